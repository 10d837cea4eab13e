import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { single } from '../../http/outcome.ts';
import { OPEN_OBJECT } from '../../http/schemas.ts';
import { controlRoute } from '../control-route.ts';
import type { ControlDeps } from '../deps.ts';

/** The call as the vault has it, moments after its response. */
export const readRequest = controlRoute(
  {
    method: 'get',
    plane: 'control',
    path: '/v1/requests/:request_id',
    aliases: ['/requests/:request_id'],
    operation_id: 'request.read',
    summary: 'A call as the vault has it',
    description: 'The id is that of the header x-request-id. Amounts are pico-dollars.',
    permission: 'request.read',
    action: 'request.read',
    subject_kind: 'request',
    subject: 'request_id',
    responses: { 200: { description: 'The call.', schema: { title: 'Request', ...OPEN_OBJECT } } },
    is_sensitive: true,
  },
  (deps) =>
    async ({ params, draft }) => {
      const id = params.request_id;
      const row = isUuid(id) ? await findRequest(deps, id) : undefined;
      if (row === undefined) {
        throw new OneVaultError('not_found', {
          details: `The vault has no call ${id}; it loads a new one within a second.`,
        });
      }
      if (row.customer !== 'unknown') draft.shows([row.customer]);
      return single(row);
    },
);

interface CallRow {
  readonly customer: string;
}

// The load_date of a call is its end, nearly always within minutes of its id, so most days need not be read.
const SOON_MS = 600_000;
const CLOCK_STEP_MS = 60_000;

const findRequest = async (deps: ControlDeps, id: string): Promise<CallRow | undefined> => {
  const made_ms = Math.min(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), deps.clock.now());
  const soon = { from: instantOf(made_ms - CLOCK_STEP_MS), to: instantOf(made_ms + SOON_MS) };
  return (await findRequestWithin(deps, id, soon)) ?? (await findRequestWithin(deps, id, null));
};

interface Period {
  readonly from: string;
  readonly to: string;
}

const findRequestWithin = async (
  { sql, rows }: ControlDeps,
  id: string,
  period: Period | null,
): Promise<CallRow | undefined> => {
  const api_request_hk = rows.hubKey('api_request_h', { api_request_bk: id });
  const at_its_time =
    period === null
      ? sql`s.load_date in (
          select util.load_dates_of('gateway.api_request_s', 'api_request_hk', ${api_request_hk}::bytea))`
      : sql`s.load_date between ${period.from}::text::timestamptz and ${period.to}::text::timestamptz`;
  const [row] = await sql<CallRow[]>`
    select
      h.api_request_bk as request_id,
      c.customer_bk as customer,
      k.api_key_bk as api_key,
      p.provider_bk as provider,
      m.model_bk as model,
      r.routing_rule_bk as routing_rule,
      s.*,
      case when o.api_request_hk is not null then jsonb_build_object(
        'candidates', o.candidates,
        'attempts', o.attempts,
        'decision', o.decision,
        'rule_version', encode(o.rule_version, 'hex'),
        'max_cost', o.max_cost::text
      ) end as route
    from gateway.api_request_s s
    join gateway.api_request_h h using (api_request_hk, load_date)
    join gateway.api_request_l l using (api_request_hk, load_date)
    left join gateway.api_request_route_s o using (api_request_hk, load_date)
    join gateway.customer_h c using (customer_hk)
    join auth.api_key_h k using (api_key_hk)
    join gateway.ai_provider_h p using (provider_hk)
    join gateway.model_h m using (model_hk)
    join gateway.routing_rule_h r using (routing_rule_hk)
    where s.api_request_hk = ${api_request_hk}::bytea
      and ${at_its_time}`;
  return row;
};
