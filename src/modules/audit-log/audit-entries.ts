import { latestCheckpoint } from '../../audit/checkpoints.ts';
import { entryOf } from '../../audit/entry.ts';
import { createReadLeaves, type LoggedLeaf } from '../../audit/read-leaves.ts';
import { invalidParameter } from '../../http/faults.ts';
import { list } from '../../http/outcome.ts';
import { CURSOR_QUERY, cursorPagination, perPageOf } from '../../http/paging.ts';
import { HASH, INTEGER, nullable, objectOf, TEXT } from '../../http/schemas.ts';
import { controlRoute } from '../control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { leafCount } from './schemas.ts';

const ENTRY = objectOf('LogEntry', { index: INTEGER, leaf_hash: HASH, entry: nullable(TEXT), gone: nullable(TEXT) });

/**
 * The leaves from one index to another, excluded, that the newest checkpoint covers. Each has its hash from the log and
 * its entry from the present rows: the hash is SHA-256(0x00 || entry) unless a row was changed. A page covers
 * `per_page` leaves; customers get only the leaves of their calls.
 */
export const listEntries = controlRoute(
  {
    method: 'get',
    plane: 'control',
    path: '/v1/audit/entries',
    operation_id: 'audit.entries',
    summary: 'The leaves of the log that the newest checkpoint covers',
    permission: 'audit.read',
    action: 'audit.read',
    subject_kind: 'entry',
    query: { from: leafCount('The first index.'), to: leafCount('The index after the last one.'), ...CURSOR_QUERY },
    responses: { 200: { description: 'Leaves.', schema: ENTRY, form: 'list' } },
    is_sensitive: true,
  },
  (deps) => {
    const { sql, registry, rows } = deps;
    const readLeaves = createReadLeaves(registry);
    return async ({ query, caller, cursors }) => {
      const per_page = perPageOf(query);
      const { from: first = 0, to: last = Number.MAX_SAFE_INTEGER } = query;
      if (first > last) throw invalidParameter('from', 'too_large', `from, ${first}, is beyond to, ${last}.`);
      const from = query.cursor === undefined ? first : Number(cursors.open(query.cursor).key[0]);
      const tree_size = (await latestCheckpoint(sql))?.tree_size ?? 0;
      const to = Math.min(last, tree_size);
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
  },
);

const isCallOf = ({ rows }: LoggedLeaf, customer_hk: string): boolean =>
  rows.some(({ table, values }) => table === 'api_request_l' && values.customer_hk === customer_hk);

const present = ({ registry }: Pick<ControlDeps, 'registry'>, { index, leaf_hash, rows, gone }: LoggedLeaf) => ({
  index,
  leaf_hash,
  entry: rows.length === 0 ? null : entryOf(registry, rows),
  gone,
});
