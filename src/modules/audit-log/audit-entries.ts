import { latestCheckpoint } from '../../audit/checkpoints.ts';
import { entryOf } from '../../audit/entry.ts';
import { createReadLeaves, type LoggedLeaf } from '../../audit/read-leaves.ts';
import { OneVaultError } from '../../core/errors.ts';
import { readPage } from '../../http/page.ts';
import type { Handler } from '../audited.ts';
import type { ControlDeps } from '../deps.ts';
import { readNumber } from '../read-query.ts';

/**
 * `GET /v1/audit/entries?from=&to=&limit=`: the leaves from one index up to another, the latter not included, as far as
 * the newest checkpoint covers them, each with its hash as the log holds it and its entry as the rows say it now: the
 * hash is SHA-256(0x00 || entry) unless a row was changed. A page looks at `limit` leaves and says in `next` where to
 * go on; customers are given those that are calls of theirs.
 */
export const listEntries = (deps: ControlDeps): Handler => {
  const { sql, registry, rows } = deps;
  const readLeaves = createReadLeaves(registry);
  return async (ctx, { caller }) => {
    const { limit } = readPage(ctx.query);
    const from = readNumber(ctx.query, 'from') ?? 0;
    const asked_to = readNumber(ctx.query, 'to') ?? Number.MAX_SAFE_INTEGER;
    if (from > asked_to) {
      throw new OneVaultError('invalid_request', {
        param: 'from',
        details: `from, ${from}, is beyond to, ${asked_to}.`,
      });
    }
    const tree_size = (await latestCheckpoint(sql))?.tree_size ?? 0;
    const to = Math.min(asked_to, tree_size);
    const end = Math.min(from + limit, to);
    const customer_hk = caller.customer === null ? null : rows.hubKey('customer_h', { customer_bk: caller.customer });
    const data: object[] = [];
    for await (const leaves of readLeaves(sql, { from, to: end })) {
      const shown = leaves.filter((leaf) => customer_hk === null || isCallOf(leaf, customer_hk));
      data.push(...shown.map((leaf) => present(deps, leaf)));
    }
    ctx.body = { tree_size, data, next: end < to ? end : null };
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
