import type { Middleware } from 'koa';
import { OneVaultError } from '../../../core/errors.ts';
import { acceptWebSocket } from '../../../http/upgrades.ts';
import type { Call, Step } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { isRecorded } from '../../limits/refused-keys.ts';
import { createSalts } from '../../salts.ts';
import { type InFlight, openCall, refuse, walk } from '../../serve.ts';
import { admit } from '../../steps/admit.ts';
import { authenticate } from '../../steps/authenticate.ts';
import { classify } from '../../steps/classify.ts';
import { limit } from '../../steps/limit.ts';
import { reserve } from '../../steps/reserve.ts';
import { route } from '../../steps/route.ts';
import { settle } from '../../steps/settle.ts';
import { connect } from './connect.ts';
import { readHandshake } from './handshake.ts';
import { realtime } from './protocol.ts';
import { runSession } from './run-session.ts';
import type { SessionInput } from './session.ts';

/**
 * Serves sessions over WebSocket. A session takes the steps of every other call; its last step is the handshake with
 * the provider. A refusal by a step is answered as HTTP, and recorded.
 */
export const serveRealtime = (deps: GatewayDeps, in_flight: InFlight): Middleware => {
  const sessions = createSessionCount(deps.realtime.sessions_max);
  const steps: readonly Step[] = [
    authenticate(deps),
    limit(deps),
    readSession,
    classify(deps),
    sessions.admit,
    reserve(deps),
    route(deps),
    admit(deps),
  ];
  const nextSalt = createSalts();
  const settleCall = settle(deps);
  return async (ctx) => {
    if (in_flight.count >= deps.max_calls_in_flight) {
      deps.metrics.countOverload();
      refuse(ctx, realtime, deps);
      return;
    }
    deps.metrics.setInFlight(++in_flight.count);
    ctx.respond = false;
    const call = openCall(ctx, realtime, nextSalt, deps);
    try {
      const opened = await openedBy(deps, call, steps);
      if (opened === null) await settleCall(call, isRecorded(deps, call));
      else await runSession(deps, opened);
    } catch (fault) {
      deps.log.error({ err: fault, request_id: call.request_id }, 'a session could not be settled');
      ctx.req.socket.destroy();
    } finally {
      sessions.leave(call);
      deps.metrics.setInFlight(--in_flight.count);
    }
  };
};

/** Reads the handshake and the model. */
const readSession: Step = (call) => {
  const { req, query } = call.ctx;
  readHandshake(req);
  call.parsed = call.protocol.read(null, { params: {}, query, headers: req.headers });
};

/** @returns null if a step refused the session */
const openedBy = async (deps: GatewayDeps, call: Call, steps: readonly Step[]): Promise<SessionInput | null> => {
  const opened: SessionInput[] = [];
  const open: Step = async () => {
    opened.push(await openBoth(deps, call));
  };
  await walk([...steps, open], call, deps);
  return opened[0] ?? null;
};

/** Opens a connection to a provider, then answers the client's handshake. @throws OneVaultError */
const openBoth = async (deps: GatewayDeps, call: Call): Promise<SessionInput> => {
  const { req, res } = call.ctx;
  const { peer: provider, subprotocol, ...connection } = await connect(deps, call, readHandshake(req));
  const client = acceptWebSocket(req, res, {
    subprotocol,
    message_max_bytes: deps.realtime.message_max_bytes,
    stall_timeout_ms: deps.client_timeout_ms,
  });
  if (client !== null) return { call, client, provider, ...connection };
  provider.terminate();
  throw new OneVaultError('client_closed_request');
};

/** Limits the sessions that each customer has open at a time. */
const createSessionCount = (sessions_max: number) => {
  const open = new Map<string, number>();
  const counted = new WeakSet<Call>();
  const admit: Step = (call) => {
    const { customer } = call.customer!;
    const count = open.get(customer) ?? 0;
    if (count >= sessions_max) {
      const details = `The customer has ${count} sessions open, which is the limit. Close one.`;
      throw new OneVaultError('rate_limit_exceeded', { details, retry_after_s: 1 });
    }
    open.set(customer, count + 1);
    counted.add(call);
  };
  const leave = (call: Call): void => {
    if (!counted.has(call)) return;
    const { customer } = call.customer!;
    const left = open.get(customer)! - 1;
    if (left === 0) open.delete(customer);
    else open.set(customer, left);
  };
  return { admit, leave };
};
