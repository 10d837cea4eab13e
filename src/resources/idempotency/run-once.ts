import { hash } from 'node:crypto';
import { OneVaultError } from '../../core/errors.ts';
import type { Outcome } from '../../http/outcome.ts';
import { canonicalBytes } from '../../keys/aead.ts';
import type { ControlRequest, ControlRoute, Handler, RouteDeps } from '../serving/control-route.ts';
import { holdTransaction } from './held-transaction.ts';
import { deriveKeys, findResponse, type RequestKeys, storeResponse } from './stored-response.ts';

const HEADER = 'idempotency-key';
const KEY = /^[\x20-\x7e]{1,255}$/;
const RETRY_AFTER_S = 1;

/**
 * The handler of a route, which executes a write with an `Idempotency-Key` once
 * (draft-ietf-httpapi-idempotency-key-header-07): the same request gets the first response again for 24 h. The response
 * is stored in the transaction of the change, so that a crash keeps both or neither. Errors are not kept: they changed
 * nothing.
 */
export const runOnce = <Deps extends RouteDeps>(deps: Deps, route: ControlRoute<Deps>): Handler => {
  const handle = route.serve(deps);
  if (route.method === 'get' || route.permission === null) return handle;
  const running = new Set<string>();
  return async (request) => {
    if (request.ctx.req.headers[HEADER] === undefined || request.query.dry_run === true) return handle(request);
    const keys = keysOf(request);
    if (running.has(keys.id)) throw new OneVaultError('request_in_progress', { retry_after_s: RETRY_AFTER_S });
    running.add(keys.id);
    try {
      return await replayOrRun(deps, route, request, keys);
    } finally {
      running.delete(keys.id);
    }
  };
};

const replayOrRun = async <Deps extends RouteDeps>(
  deps: Deps,
  route: ControlRoute<Deps>,
  request: ControlRequest,
  keys: RequestKeys,
): Promise<Outcome> => {
  const { ctx } = request;
  const request_hash = requestHash(request);
  const stored = await findResponse(deps.sql, keys, deps.clock.now());
  if (stored !== null) {
    if (stored.request_hash !== request_hash) throw keyFault('idempotency_key_reused', 'reused', REUSED);
    request.draft.isReplay();
    ctx.set('idempotent-replayed', 'true');
    ctx.state.answered_ms = stored.at_ms;
    return stored.outcome;
  }
  const held = holdTransaction(deps.sql);
  const sql = route.outlives_transaction === true ? deps.sql : held.sql;
  // The snapshot reads through connections of its own, which see the change once it is committed.
  const handle = route.serve({ ...deps, sql, refreshSnapshot: async () => {} });
  try {
    const outcome = await handle(request);
    const at_ms = deps.clock.now();
    await storeResponse(sql, keys, { request_hash, at_ms, outcome });
    await held.commit();
    ctx.state.answered_ms = at_ms;
    await deps.refreshSnapshot();
    return outcome;
  } catch (thrown) {
    await held.rollback();
    throw thrown;
  }
};

const REUSED = 'It belongs to a request with another body, query or condition.';

const keysOf = ({ ctx, caller }: ControlRequest): RequestKeys => {
  const [idempotency_key, ...others] = ctx.req.headersDistinct[HEADER] ?? [];
  if (idempotency_key === undefined || others.length > 0 || !KEY.test(idempotency_key)) {
    throw keyFault('invalid_request', 'format', 'It must stand once and hold 1 to 255 printable ASCII characters.');
  }
  const api_key = ctx
    .get('authorization')
    .replace(/^Bearer +/i, '')
    .trim();
  const scope = { caller: `${caller.actor_kind}/${caller.actor}`, method: ctx.method, path: ctx.path };
  return deriveKeys({ idempotency_key, api_key }, scope);
};

const keyFault = (code: 'invalid_request' | 'idempotency_key_reused', word: string, rule: string): OneVaultError =>
  new OneVaultError(code, {
    param: 'header.Idempotency-Key',
    details: `Idempotency-Key: ${rule}`,
    faults: [{ path: 'header.Idempotency-Key', code: word, message: rule }],
  });

/** A JSON value with the members of its objects in one order. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, sorted(member)]);
  return { members: members.sort(([a], [b]) => (a < b ? -1 : 1)) };
};

/** Hash of what makes two requests the same. */
const requestHash = ({ body, ctx }: ControlRequest): string => {
  const text = Buffer.isBuffer(body)
    ? body.toString('base64')
    : body === undefined
      ? null
      : JSON.stringify(sorted(body));
  const conditions = [ctx.get('if-match'), ctx.get('if-none-match')];
  return hash('sha256', canonicalBytes('idempotent-body', [text, ctx.querystring, ...conditions]));
};
