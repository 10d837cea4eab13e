import { createHash } from 'node:crypto';
import type { OneVaultError } from '../../../core/errors.ts';
import { errorEnvelope } from '../../../http/envelope.ts';
import type { Message, Peer } from '../../../http/web-socket.ts';
import type { RealtimeProtocol, UpstreamLimits } from '../../../providers/contract.ts';
import type { Call, SideTraffic } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { createSessionBudget, type SessionBudget } from './session-budget.ts';
import type { SessionEnd } from './session-end.ts';

/** Limit of the text that is counted of a prompt. */
export const UNANSWERED_MAX_CHARS = 524_288;

/** The shared state of an open session. */
export interface Session {
  readonly deps: GatewayDeps;
  readonly call: Call;
  readonly client: Peer;
  readonly provider: Peer;
  readonly limits: UpstreamLimits;
  readonly sent_by_client: TrafficCounter;
  /** Messages of the provider, and the gateway's own errors. */
  readonly sent_to_client: TrafficCounter;
  readonly budget: SessionBudget;
  /** Text that the client wrote since the last response ended; the last `UNANSWERED_MAX_CHARS` of it count. */
  unanswered_text: string;
  /** The reason that the session ends; null while it goes on. */
  ending: SessionEnd | null;
  /** True once the outcome is being recorded. Later messages do not belong to the session. */
  is_over: boolean;
  /** Ends the session, unless it is ending already. */
  end(ending: SessionEnd): void;
  /** Sends the client a message. @returns as `Peer.send` */
  sendToClient(message: Message): Promise<void> | undefined;
}

export interface SessionInput {
  readonly call: Call;
  readonly protocol: RealtimeProtocol;
  readonly client: Peer;
  readonly provider: Peer;
  readonly limits: UpstreamLimits;
}

/** @param ended called once with the reason */
export const openSession = (
  deps: GatewayDeps,
  { protocol, ...input }: SessionInput,
  ended: (ending: SessionEnd) => void,
): Session => {
  const { call, client } = input;
  const sent_by_client = createTrafficCounter(call.request_salt);
  const sent_to_client = createTrafficCounter(call.response_salt);
  call.session = {
    client: sent_by_client,
    provider: sent_to_client,
    responses: 0,
    closed_by: null,
    close_code: null,
  };
  const session: Session = {
    ...input,
    deps,
    sent_by_client,
    sent_to_client,
    budget: createSessionBudget(deps, call, protocol),
    unanswered_text: '',
    ending: null,
    is_over: false,
    end: (ending) => {
      session.ending ??= ending;
      ended(session.ending);
    },
    sendToClient: (message) => {
      if (session.is_over || !client.is_open) return undefined;
      sent_to_client.add(message);
      return client.send(message.kind, message.payload);
    },
  };
  return session;
};

/**
 * An error as a message to the client, in the form that OpenAI's clients read.
 * @param event_id of the client's event that caused it; null if it concerns the session
 */
export const errorEvent = ({ call, deps }: Session, error: OneVaultError, event_id: string | null): Message => {
  const envelope = errorEnvelope(error, call.request_id, deps.clock.now());
  const event = { type: 'error', event_id: `event_${call.request_id}`, error: { ...envelope.error, event_id } };
  return { kind: 'text', payload: Buffer.from(JSON.stringify(event)) };
};

/** Counts the messages of one direction, and computes a commitment to them. */
export interface TrafficCounter extends SideTraffic {
  add(message: Message): void;
}

const HEAD_BYTES = 9;
const OPCODES = { text: 1, binary: 2 } as const;

/**
 * The commitment is SHA-256 of the salt and, of each message in order, its opcode (one byte: 1 text, 2 binary), the
 * length of its payload (eight bytes, the most significant first) and its payload. Masks, fragments and control frames
 * are left out.
 */
export const createTrafficCounter = (salt: Buffer): TrafficCounter => {
  const hash = createHash('sha256').update(salt);
  let message_count = 0;
  let byte_count = 0;
  return {
    get message_count() {
      return message_count;
    },
    get byte_count() {
      return byte_count;
    },
    commitment: () => (message_count === 0 ? null : hash.copy().digest('hex')),
    add: ({ kind, payload }) => {
      const head = Buffer.alloc(HEAD_BYTES);
      head[0] = OPCODES[kind];
      head.writeBigUInt64BE(BigInt(payload.length), 1);
      hash.update(head).update(payload);
      message_count += 1;
      byte_count += payload.length;
    },
  };
};
