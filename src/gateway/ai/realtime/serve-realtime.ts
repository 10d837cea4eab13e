import type { Middleware } from 'koa';
import { OneVaultError } from '../../../core/errors.ts';
import type { Call, Step } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { createSalts } from '../../salts.ts';
import { type InFlight, openCall, refuse, walk } from '../../serve.ts';
import { admit } from '../../steps/admit.ts';
import { authenticate } from '../../steps/authenticate.ts';
import { classify } from '../../steps/classify.ts';
import { limit } from '../../steps/limit.ts';
import { reserve } from '../../steps/reserve.ts';
import { route } from '../../steps/route.ts';
import { settle } from '../../steps/settle.ts';
import { type Connection, connect } from './connect.ts';
import { readHandshake } from './handshake.ts';
import { realtime } from './protocol.ts';
import { runSession } from './run-session.ts';

/**
 * Serves sessions over WebSocket. One goes through the steps of every other call, the provider's handshake the last of
 * them; what one of them refuses is answered as HTTP, and recorded.
 */
export const serveRealtime = (deps: GatewayDeps, in_flight: InFlight): Middleware => {
  const sessions = createSessionCount(deps.realtime.sessions_max);
  const steps: readonly Step[] = [
    authenticate(deps),
    readSession,
    classify(deps),
    limit(deps),
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
      if (opened === null) await settleCall(call);
      else await begin(deps, call, opened);
    } catch (fault) {
      deps.log.error({ err: fault, request_id: call.request_id }, 'a session could not be settled');
      ctx.req.socket.destroy();
    } finally {
      sessions.leave(call);
      deps.metrics.setInFlight(--in_flight.count);
    }
  };
};

/** Reads what is asked for, as far as the request says it. */
const readSession: Step = (call) => {
  const { req, query } = call.ctx;
  readHandshake(req);
  call.parsed = call.protocol.read(null, { params: {}, query, headers: req.headers });
};

/** @returns null where a step refused */
const openedBy = async (deps: GatewayDeps, call: Call, steps: readonly Step[]): Promise<Connection | null> => {
  const opened: Connection[] = [];
  const open: Step = async () => {
    opened.push(await connect(deps, call, readHandshake(call.ctx.req)));
  };
  await walk([...steps, open], call, deps);
  return opened[0] ?? null;
};

// Short enough that routers on the way do not forget the connection.
const KEEP_ALIVE_MS = 30_000;

/** Answers the client's handshake, and holds the session until it is over. */
const begin = async (deps: GatewayDeps, call: Call, connection: Connection): Promise<void> => {
  const { req, res } = call.ctx;
  const { socket } = req;
  const { accept, protocol } = connection.tunnel;
  const headers = Object.entries(res.getHeaders()).map(([name, value]) => `${name}: ${value}`);
  res.detachSocket(socket);
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // Whoever reads or writes it learns of a fault there; between that, nobody is left to tell.
  socket.on('error', () => {});
  const head = [
    'HTTP/1.1 101 Switching Protocols',
    'upgrade: websocket',
    'connection: Upgrade',
    `sec-websocket-accept: ${accept}`,
    ...(protocol === null ? [] : [`sec-websocket-protocol: ${protocol}`]),
    ...headers,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await runSession(deps, { call, socket, ...connection });
};

/** Counts the sessions that each customer has open. */
const createSessionCount = (sessions_max: number) => {
  const open = new Map<string, number>();
  const counted = new WeakSet<Call>();
  const admit: Step = (call) => {
    const { customer } = call.customer!;
    const count = open.get(customer) ?? 0;
    if (count >= sessions_max) {
      const details = `The customer has ${count} sessions open, which is as many as it may: close one.`;
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
