import { type Clock, instantOf } from '../core/clock.ts';
import { type IdempotencyKeys, KEPT_MS } from '../gateway/idempotency/idempotency-keys.ts';
import { listWriters, readAll } from '../journal/reader.ts';
import { type CallRecord, type JournalEntry, parseRecord } from '../journal/record.ts';
import type { JournalStore } from '../journal/store.ts';
import type { Sql } from '../postgres/connect.ts';

interface RestoreDeps {
  readonly sql: Sql;
  readonly store: JournalStore;
  readonly clock: Clock;
}

/**
 * Restores the idempotency keys of the last 24 h: those in the journal, then those in the vault. The journal is read
 * first: a record that is loaded in between appears twice, as the same call.
 */
export const restoreIdempotencyKeys = async (keys: IdempotencyKeys, deps: RestoreDeps): Promise<void> => {
  const now_ms = deps.clock.now();
  for (const record of journaledCalls(deps.store)) {
    const { customer, idempotency, request_id, call } = record;
    const received_ms = Date.parse(call.request_timestamp);
    keys.restore({ customer: customer!, facts: idempotency!, first: { request_id, received_ms, end: call } }, now_ms);
  }
  for await (const rows of selectKeys(deps.sql, instantOf(now_ms - KEPT_MS))) {
    for (const { customer, key_hash, body_hash, request_id, request_timestamp, ...end } of rows) {
      const first = { request_id, received_ms: Date.parse(request_timestamp), end };
      keys.restore({ customer, facts: { key_hash, body_hash }, first }, now_ms);
    }
  }
};

/**
 * The last record of each call with a key. An intent without an outcome reads as ABANDONED: the provider may have got
 * the call. An outcome without a key releases the key of its intent.
 */
const journaledCalls = (store: JournalStore): CallRecord[] =>
  listWriters(store).flatMap(({ id }) => {
    const calls = new Map<number, CallRecord>();
    for (const entry of readAll(store, id)) {
      const record = parsedIfKeyed(entry, calls.size > 0);
      if (record === null) continue;
      if (record.intent_sequence !== null) calls.delete(record.intent_sequence);
      if (record.idempotency !== undefined && record.customer !== null) calls.set(entry.sequence, record);
    }
    return [...calls.values()];
  });

// Of the other records only outcomes matter, and only once there is an intent with a key.
const parsedIfKeyed = ({ text }: JournalEntry, has_keys: boolean): CallRecord | null => {
  if (!has_keys && !text.includes('"idempotency":')) return null;
  const record = parseRecord(text);
  return record === null || record.kind === 'void' ? null : record;
};

interface KeyRow
  extends Pick<
    CallRecord['call'],
    'response_status' | 'http_status' | 'prompt_tokens' | 'completion_tokens' | 'total_tokens' | 'customer_cost'
  > {
  readonly customer: string;
  readonly key_hash: string;
  readonly body_hash: string;
  readonly request_id: string;
  readonly request_timestamp: string;
}

const ROWS_AT_ONCE = 5_000;

// A call is stored after it was received, so load_date selects the partitions of all calls since then.
const selectKeys = (sql: Sql, since: string) =>
  sql<KeyRow[]>`
    select
      c.customer_bk as customer,
      i.key_hash,
      i.body_hash,
      h.api_request_bk as request_id,
      s.request_timestamp,
      s.response_status,
      s.http_status,
      s.prompt_tokens,
      s.completion_tokens,
      s.total_tokens,
      s.customer_cost
    from gateway.api_request_idempotency_s i
    join gateway.api_request_s s using (load_date, api_request_hk)
    join gateway.api_request_h h using (load_date, api_request_hk)
    join gateway.api_request_l l using (load_date, api_request_hk)
    join gateway.customer_h c using (customer_hk)
    where i.load_date >= ${since}
      and s.load_date >= ${since}
      and h.load_date >= ${since}
      and l.load_date >= ${since}
      and s.request_timestamp >= ${since}`.cursor(ROWS_AT_ONCE);
