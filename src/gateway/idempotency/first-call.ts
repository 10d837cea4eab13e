import type { CallFacts } from '../../journal/record.ts';
import { HASH_BYTES } from './key-table.ts';

/** Facts of the first call with a key, as a repeated call gets them. */
export interface FirstCall {
  readonly request_id: string;
  /** Milliseconds since the Unix epoch. */
  readonly received_ms: number;
  /** Null while the call is running. */
  readonly end: CallEnd | null;
}

export type CallEnd = Pick<
  CallFacts,
  'response_status' | 'http_status' | 'prompt_tokens' | 'completion_tokens' | 'total_tokens' | 'customer_cost'
>;

/** Length of a first call in a record, with the hash of its body. */
export const FIRST_CALL_BYTES = 64;

const AT = {
  body_hash: 0,
  request_id: 16,
  received_ms: 32,
  customer_cost: 40,
  prompt_tokens: 48,
  completion_tokens: 52,
  total_tokens: 56,
  http_status: 60,
  state: 62,
} as const;

// The place in the list is the stored number: add new states at the end.
const STATES = ['RELEASED', 'RUNNING', 'SUCCESS', 'ERROR', 'TIMEOUT', 'REFUSED', 'CANCELLED', 'ABANDONED'] as const;
const [RELEASED, RUNNING] = [0, 1];
const NO_COST = 2n ** 64n - 1n;

/** Writes a first call into the payload of a record. */
export const writeFirstCall = (payload: Buffer, body_hash: Buffer, first: FirstCall): void => {
  body_hash.copy(payload, AT.body_hash, 0, HASH_BYTES);
  payload.write(first.request_id.replaceAll('-', ''), AT.request_id, 'hex');
  payload.writeDoubleLE(first.received_ms, AT.received_ms);
  if (first.end === null) payload.writeUInt8(RUNNING, AT.state);
  else writeEnd(payload, first.end);
};

/** Writes how a first call ended. */
export const writeEnd = (payload: Buffer, end: CallEnd): void => {
  // No call costs 18 million US dollars, which is the most that fits.
  const cost = end.customer_cost === null ? NO_COST : BigInt(end.customer_cost);
  payload.writeBigUInt64LE(cost < NO_COST ? cost : NO_COST, AT.customer_cost);
  for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens'] as const) {
    payload.writeInt32LE(end[name] ?? -1, AT[name]);
  }
  payload.writeUInt16LE(end.http_status, AT.http_status);
  payload.writeUInt8(STATES.indexOf(end.response_status), AT.state);
};

/** Makes the key of a record free for another call. */
export const release = (payload: Buffer): void => {
  payload.writeUInt8(RELEASED, AT.state);
};

export const isReleased = (payload: Buffer): boolean => payload[AT.state] === RELEASED;

export const isRunning = (payload: Buffer): boolean => payload[AT.state] === RUNNING;

export const receivedAt = (payload: Buffer): number => payload.readDoubleLE(AT.received_ms);

/** Compares the hash of a body with that of the first call. */
export const hasBody = (payload: Buffer, body_hash: Buffer): boolean =>
  body_hash.compare(payload, AT.body_hash, AT.body_hash + HASH_BYTES, 0, HASH_BYTES) === 0;

/** Reads a first call that `writeFirstCall` wrote. */
export const readFirstCall = (payload: Buffer): FirstCall => {
  const id = payload.toString('hex', AT.request_id, AT.request_id + 16);
  const tokens = (name: 'prompt_tokens' | 'completion_tokens' | 'total_tokens'): number | null => {
    const count = payload.readInt32LE(AT[name]);
    return count === -1 ? null : count;
  };
  const cost = payload.readBigUInt64LE(AT.customer_cost);
  return {
    request_id: `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`,
    received_ms: receivedAt(payload),
    end: isRunning(payload)
      ? null
      : {
          response_status: STATES[payload[AT.state]!] as CallEnd['response_status'],
          http_status: payload.readUInt16LE(AT.http_status),
          prompt_tokens: tokens('prompt_tokens'),
          completion_tokens: tokens('completion_tokens'),
          total_tokens: tokens('total_tokens'),
          customer_cost: cost === NO_COST ? null : String(cost),
        },
  };
};
