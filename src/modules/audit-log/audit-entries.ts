import { latestCheckpoint } from '../../audit/checkpoints.ts';
import { entryOf } from '../../audit/entry.ts';
import { createReadLeaves, type LoggedLeaf } from '../../audit/read-leaves.ts';
import { invalidParameter } from '../../http/faults.ts';
import { list } from '../../http/outcome.ts';
import { cursorPagination, perPageOf } from '../../http/paging.ts';
import type { Handler } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';

/**
 * `GET /v1/audit/entries?from=&to=`: the leaves from one index to another, excluded, that the newest checkpoint
 * covers. Each has its hash from the log and its entry from the present rows: the hash is SHA-256(0x00 || entry) unless
 * a row was changed. A page covers `per_page` leaves; customers get only the leaves of their calls.
 */
export const listEntries = (deps: ControlDeps): Handler => {
  const { sql, registry, rows } = deps;
  const readLeaves = createReadLeaves(registry);
  return async ({ query, caller, cursors }) => {
    const per_page = perPageOf(query);
    const asked_from = Number(query.from ?? 0);
    const asked_to = Number(query.to ?? Number.MAX_SAFE_INTEGER);
    if (asked_from > asked_to) {
      throw invalidParameter('from', 'too_large', `from, ${asked_from}, is beyond to, ${asked_to}.`);
    }
    const from = query.cursor === undefined ? asked_from : Number(cursors.open(String(query.cursor)).key[0]);
    const tree_size = (await latestCheckpoint(sql))?.tree_size ?? 0;
    const to = Math.min(asked_to, tree_size);
    const end = Math.min(from + per_page, to);
    const customer_hk = caller.customer === null ? null : rows.hubKey('customer_h', { customer_bk: caller.customer });
    const data: object[] = [];
    for await (const leaves of readLeaves(sql, { from, to: end })) {
      const shown = leaves.filter((leaf) => customer_hk === null || isCallOf(leaf, customer_hk));
      data.push(...shown.map((leaf) => present(deps, leaf)));
    }
    const next_cursor = end < to ? cursors.seal({ key: [end], fixed: {} }) : null;
    return list(data, cursorPagination(per_page, next_cursor), { meta: { tree_size } });
  };
};

const isCallOf = ({ rows }: LoggedLeaf, customer_hk: string): boolean =>
  rows.some(({ table, values }) => table === 'api_request_l' && values.customer_hk === customer_hk);

const present = ({ registry }: Pick<ControlDeps, 'registry'>, { index, leaf_hash, rows, gone }: LoggedLeaf) => ({
  index,
  leaf_hash,
  entry: rows.length === 0 ? null : entryOf(registry, rows),
  gone,
});
