import type { Socket } from 'node:net';
import type { RealtimeProtocol, UpstreamLimits } from '../../../providers/contract.ts';
import type { Tunnel } from '../../../providers/transport/tunnel.ts';
import type { Call } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import type { Received } from './frame-reader.ts';
import { createLedger, type Ledger } from './session-budget.ts';
import type { Ending } from './session-end.ts';
import { createSink, type Sink } from './socket-writer.ts';
import { createSideCounter, type SideCounter } from './traffic-counts.ts';

/** A session that is open: all that its parts share. */
export interface Session {
  readonly deps: GatewayDeps;
  readonly call: Call;
  readonly protocol_name: RealtimeProtocol;
  readonly socket: Socket;
  readonly tunnel: Tunnel;
  readonly limits: UpstreamLimits;
  /** What the client said, and what it was told, by us too. */
  readonly client: SideCounter;
  readonly provider: SideCounter;
  readonly to_client: Sink;
  readonly to_provider: Sink;
  readonly ledger: Ledger;
  /** What the client wrote since the last response ended. */
  unanswered_text: string;
  /** Why it ends; null while it goes on. */
  ending: Ending | null;
  /** The close frame with which a side answered the other's. */
  closing_reply: readonly Buffer[] | null;
  /** Whether its record is being written: what comes then is nobody's. */
  is_over: boolean;
  /** Ends it, unless it ends already. */
  end(ending: Ending): void;
  /** Sends the client a message. */
  tell(message: Received): Promise<void>;
}

export interface SessionInput {
  readonly call: Call;
  readonly protocol_name: RealtimeProtocol;
  readonly socket: Socket;
  readonly tunnel: Tunnel;
  readonly limits: UpstreamLimits;
}

/** @param over is told why the session ends, once */
export const openSession = (deps: GatewayDeps, input: SessionInput, over: (ending: Ending) => void): Session => {
  const { call, socket, tunnel, protocol_name, limits } = input;
  const [client, provider] = [createSideCounter(call.request_salt), createSideCounter(call.reply_salt)];
  call.session = { client, provider, responses: 0, closed_by: null, close_code: null };
  const session: Session = {
    ...input,
    deps,
    client,
    provider,
    to_client: createSink(socket, deps.client_timeout_ms, () => socket.destroy()),
    to_provider: createSink(tunnel.to_provider, limits.idle_timeout_ms, () => tunnel.destroy()),
    ledger: createLedger(deps, call, protocol_name),
    unanswered_text: '',
    ending: null,
    closing_reply: null,
    is_over: false,
    end: (ending) => {
      session.ending ??= ending;
      over(session.ending);
    },
    tell: async (message) => {
      if (session.is_over || !socket.writable) return;
      provider.add(message);
      await session.to_client.write(message.raw);
    },
  };
  return session;
};
