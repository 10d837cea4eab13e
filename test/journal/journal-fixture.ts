import { rmSync } from 'node:fs';
import { type Clock, fixedClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { type CallRecord, SCHEMA_VERSION } from '../../src/journal/record.ts';
import { type JournalStore, openStore } from '../../src/journal/store.ts';
import { type JournalWriter, openWriter } from '../../src/journal/writer.ts';
import { temporaryPath } from '../support/server.ts';

export const CLOCK: Clock = fixedClock('2026-11-21T10:00:00Z');

const LIMIT_BYTES = 2 ** 30;
const nextId = createIds({ now: () => Date.now() });

/** A journal in its own folder, with functions that close and remove it. */
export interface TestJournal {
  readonly path: string;
  readonly store: JournalStore;
  open(options?: { readonly limit_bytes?: number; readonly log?: Log }): Promise<JournalWriter>;
  remove(): Promise<void>;
}

export const createJournal = (path: string = temporaryPath()): TestJournal => {
  const store = openStore(path);
  const writers: JournalWriter[] = [];
  return {
    path,
    store,
    open: async ({ limit_bytes = LIMIT_BYTES, log = silentLog } = {}) => {
      const writer = await openWriter({ store, clock: CLOCK, nextId, log, limit_bytes });
      writers.push(writer);
      return writer;
    },
    remove: async () => {
      for (const writer of writers) await writer.close();
      await store.root.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
};

/** The intent of a call. */
export const intent = (request_id: string = nextId()): CallRecord => ({
  schema_version: SCHEMA_VERSION,
  kind: 'intent',
  intent_sequence: null,
  request_id,
  recorded_at: '2026-11-21T10:00:00.000Z',
  customer: 'demo',
  api_key: '00000000-0000-7000-a000-000000000001',
  provider: 'openai',
  model: 'gpt-4o',
  routing_rule: null,
  call: {
    request_timestamp: '2026-11-21T09:59:59.900Z',
    request_type: 'completion',
    endpoint: '/v1/chat/completions',
    model_requested: 'gpt-4o',
    model_used: 'gpt-4o',
    prompt_tokens: null,
    completion_tokens: null,
    total_tokens: null,
    cached_tokens: null,
    cache_write_tokens: null,
    reasoning_tokens: null,
    request_latency_ms: 100,
    upstream_latency_ms: null,
    time_to_first_token_ms: null,
    provider_cost: null,
    gateway_markup: null,
    customer_cost: null,
    rating: 'UNPRICED',
    price_version: null,
    route_reason: null,
    request_ip: '127.0.0.1',
    user_agent: 'test',
    response_status: 'ABANDONED',
    http_status: 503,
    error_code: 'abandoned',
    error_message: null,
    compliance_flags: [],
    usage_source: 'none',
    is_streamed: false,
    priority: null,
    request_bytes: 10,
    response_bytes: 0,
    request_commitment: null,
    response_commitment: null,
  },
  route: null,
});

/** The outcome of a call. */
export const outcome = (of: CallRecord, intent_sequence: number | null): CallRecord => ({
  ...of,
  kind: 'outcome',
  intent_sequence,
  call: {
    ...of.call,
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    response_status: 'SUCCESS',
    http_status: 200,
    provider_cost: '75000000',
    gateway_markup: '0',
    customer_cost: '75000000',
    rating: 'RATED',
    error_code: null,
    usage_source: 'provider',
    upstream_latency_ms: 90,
    response_bytes: 20,
  },
});
