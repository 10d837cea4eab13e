import type { IdempotencyFacts } from '../../journal/record.ts';
import {
  type CallEnd,
  FIRST_CALL_BYTES,
  type FirstCall,
  hasBody,
  isReleased,
  readFirstCall,
  receivedAt,
  release,
  writeEnd,
  writeFirstCall,
} from './first-call.ts';
import { createKeyTable, HASH_BYTES, type KeyTable } from './key-table.ts';

const HOUR_MS = 3_600_000;
/** Time for which a key is kept. */
export const KEPT_MS = 24 * HOUR_MS;
/** Limit of one customer's keys: about 100 MB of memory. */
const MAX_KEYS = 1_000_000;

/** A key that one call holds. */
export interface Claim {
  readonly facts: IdempotencyFacts;
  /** Keeps the key for 24 h: the call left the gateway. */
  complete(end: CallEnd): void;
  /** Makes the key free again: nothing was executed. */
  release(): void;
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  | { readonly kind: 'repeated'; readonly first: FirstCall; readonly has_same_body: boolean }
  | { readonly kind: 'full'; readonly retry_after_s: number };

/** A key from before this process started. */
export interface KnownKey {
  readonly customer: string;
  readonly facts: IdempotencyFacts;
  readonly first: FirstCall;
}

/** The idempotency keys of the last 24 h, by customer. */
export interface IdempotencyKeys {
  /** Claims a key for a call, at once: of concurrent calls with one key, one gets it. */
  claim(customer: string, facts: IdempotencyFacts, call: Pick<FirstCall, 'request_id' | 'received_ms'>): ClaimResult;
  /** Adds a key that this process did not see. Of two calls with one key, the later one stays. */
  restore(known: KnownKey, now_ms: number): void;
}

/** The keys that one customer sent within one hour. They are dropped together. */
interface Generation {
  readonly hour: number;
  readonly table: KeyTable;
  released: number;
}

/**
 * Idempotency keys in this process. Keys are dropped by whole hours: until then, an expired key still counts towards
 * the limit.
 * @param max_keys limit of one customer's keys
 */
export const createIdempotencyKeys = (max_keys = MAX_KEYS): IdempotencyKeys => {
  const customers = new Map<string, Generation[]>();

  const generationsOf = (customer: string, now_ms: number): Generation[] => {
    const kept = (customers.get(customer) ?? []).filter(({ hour }) => endOf(hour) > now_ms);
    customers.set(customer, kept);
    return kept;
  };
  const add = (generations: Generation[], facts: IdempotencyFacts, first: FirstCall): Place => {
    const hour = Math.floor(first.received_ms / HOUR_MS);
    let generation = generations.find((each) => each.hour === hour);
    if (generation === undefined) {
      generation = { hour, table: createKeyTable(FIRST_CALL_BYTES), released: 0 };
      generations.push(generation);
    }
    const hash = shortHash(facts.key_hash);
    let record = generation.table.find(hash);
    if (record === -1) record = generation.table.add(hash);
    else if (isReleased(generation.table.payload(record))) generation.released -= 1;
    writeFirstCall(generation.table.payload(record), shortHash(facts.body_hash), first);
    return { generation, record };
  };
  return {
    claim: (customer, facts, { request_id, received_ms }) => {
      const generations = generationsOf(customer, received_ms);
      const known = find(generations, facts.key_hash, received_ms);
      if (known !== null) {
        const has_same_body = hasBody(known, shortHash(facts.body_hash));
        return { kind: 'repeated', first: readFirstCall(known), has_same_body };
      }
      if (countOf(generations) >= max_keys) {
        const free_ms = Math.min(...generations.map(({ hour }) => endOf(hour)));
        return { kind: 'full', retry_after_s: Math.max(1, Math.ceil((free_ms - received_ms) / 1_000)) };
      }
      const place = add(generations, facts, { request_id, received_ms, end: null });
      return { kind: 'claimed', claim: claimOf(place, facts) };
    },
    restore: ({ customer, facts, first }, now_ms) => {
      if (first.received_ms + KEPT_MS <= now_ms) return;
      const generations = generationsOf(customer, now_ms);
      const known = find(generations, facts.key_hash, now_ms);
      if (known === null || receivedAt(known) <= first.received_ms) add(generations, facts, first);
    },
  };
};

interface Place {
  readonly generation: Generation;
  readonly record: number;
}

/** The instant at which the last key of an hour expires. */
const endOf = (hour: number): number => (hour + 1) * HOUR_MS + KEPT_MS;

const shortHash = (hex: string): Buffer => Buffer.from(hex.slice(0, 2 * HASH_BYTES), 'hex');

const countOf = (generations: readonly Generation[]): number =>
  generations.reduce((count, { table, released }) => count + table.size - released, 0);

/** The payload of the newest valid record of a key. */
const find = (generations: readonly Generation[], key_hash: string, now_ms: number): Buffer | null => {
  const hash = shortHash(key_hash);
  let newest: Buffer | null = null;
  for (const { table } of generations) {
    const record = table.find(hash);
    if (record === -1) continue;
    const payload = table.payload(record);
    if (isReleased(payload) || receivedAt(payload) + KEPT_MS <= now_ms) continue;
    if (newest === null || receivedAt(payload) > receivedAt(newest)) newest = payload;
  }
  return newest;
};

const claimOf = ({ generation, record }: Place, facts: IdempotencyFacts): Claim => ({
  facts,
  complete: (end) => writeEnd(generation.table.payload(record), end),
  release: () => {
    const payload = generation.table.payload(record);
    if (isReleased(payload)) return;
    release(payload);
    generation.released += 1;
  },
});
