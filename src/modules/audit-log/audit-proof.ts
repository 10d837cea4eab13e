import { latestCheckpoint } from '../../audit/checkpoints.ts';
import { findLeaf } from '../../audit/find-leaf.ts';
import { proofText } from '../../audit/proofs.ts';
import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { raw } from '../../http/outcome.ts';
import { controlRoute } from '../control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { NOTE } from './schemas.ts';

// Checkpoints are usually ten seconds apart, at most sixty.
const SOON_S = 10;

/**
 * The proof that a call is in the log (C2SP tlog-proof), with its entry as `extra`: the leaf's hash is
 * SHA-256(0x00 || entry). The entry comes from the present rows, so that the proof of a call with changed rows does not
 * verify.
 */
export const proveRequest = controlRoute(
  {
    method: 'get',
    plane: 'control',
    path: '/v1/audit/proof/:request_id',
    operation_id: 'audit.prove',
    summary: 'The proof that a call is in the log',
    permission: 'audit.prove',
    action: 'audit.prove',
    subject_kind: 'request',
    subject: 'request_id',
    responses: { 200: NOTE },
    errors: { 409: 'No checkpoint covers it yet.' },
    is_sensitive: true,
  },
  (deps) =>
    async ({ params, draft, caller }) => {
      const id = params.request_id;
      const call = isUuid(id) ? await findCall(deps, id) : undefined;
      // Another customer's call gets the same response as an unknown one, so that its id reveals nothing.
      if (call === undefined || (caller.customer !== null && call.customer !== caller.customer)) {
        throw new OneVaultError('not_found', {
          details: `The vault has no call ${id}; it loads a new one within a second.`,
        });
      }
      const checkpoint = await latestCheckpoint(deps.sql);
      const leaf = await findLeaf(deps.sql, deps.registry, { request_id: id });
      const index = leaf === null || leaf.first_index === null ? null : leaf.first_index + leaf.offset;
      if (checkpoint === null || index === null || index >= checkpoint.tree_size) {
        throw new OneVaultError('not_covered_yet', {
          details: 'The next checkpoint covers the call; it comes within a minute.',
          retry_after_s: SOON_S,
        });
      }
      if (call.customer !== UNKNOWN) draft.shows([call.customer]);
      const extra = Buffer.from(`${ENTRY_HEADER}${call.entry_lines}`);
      return raw('text/plain; charset=utf-8', await proofText(deps.sql, { index, checkpoint, extra }));
    },
);

const UNKNOWN = 'unknown';
const ENTRY_HEADER = 'onevault-entry/v1\n';

interface CallRow {
  readonly customer: string;
  readonly entry_lines: string;
}

const findCall = async ({ sql, rows }: ControlDeps, id: string): Promise<CallRow | undefined> => {
  const api_request_hk = rows.hubKey('api_request_h', { api_request_bk: id });
  const [row] = await sql<CallRow[]>`
    select
      c.customer_bk as customer,
      concat(
        audit.entry_line('api_request_h', h.api_request_hk, h.load_date, null, null, h.record_source),
        audit.entry_line(
          'api_request_idempotency_s', i.api_request_hk, i.load_date, i.applied_date, i.hash_diff, i.record_source),
        audit.entry_line('api_request_l', l.api_request_link_hk, l.load_date, null, null, l.record_source),
        audit.entry_line(
          'api_request_route_s', o.api_request_hk, o.load_date, o.applied_date, o.hash_diff, o.record_source),
        audit.entry_line(
          'api_request_s', s.api_request_hk, s.load_date, s.applied_date, s.hash_diff, s.record_source)
      ) as entry_lines
    from gateway.api_request_s s
    join gateway.api_request_h h using (api_request_hk, load_date)
    join gateway.api_request_l l using (api_request_hk, load_date)
    left join gateway.api_request_route_s o using (api_request_hk, load_date)
    left join gateway.api_request_idempotency_s i using (api_request_hk, load_date)
    join gateway.customer_h c using (customer_hk)
    where s.api_request_hk = ${api_request_hk}::bytea`;
  return row;
};
