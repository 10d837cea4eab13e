import { randomBytes, randomInt } from 'node:crypto';
import { type Clock, instantOf } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import {
  type Attempt,
  type CallFacts,
  type CallRecord,
  type RouteFacts,
  SCHEMA_VERSION,
} from '../../src/journal/record.ts';

/** The gateway's records of a call: its intent, and its outcome by the intent's sequence in the journal. */
export interface RecordedCall {
  readonly intent: CallRecord;
  outcome(intent_sequence: number): CallRecord;
}

const CUSTOMERS = 200;
const KEYS_A_CUSTOMER = 2;
/** Deployments with prices in pico-dollars a token. */
const DEPLOYMENTS = [
  { provider: 'openai', model: 'gpt-4o-mini', input: 150_000, output: 600_000 },
  { provider: 'openai', model: 'gpt-4o', input: 2_500_000, output: 10_000_000 },
  { provider: 'openai', model: 'gpt-5-mini', input: 250_000, output: 2_000_000 },
  { provider: 'anthropic', model: 'claude-haiku-4-5', input: 1_000_000, output: 5_000_000 },
  { provider: 'anthropic', model: 'claude-sonnet-4-5', input: 3_000_000, output: 15_000_000 },
] as const;
type Deployment = (typeof DEPLOYMENTS)[number];
const USER_AGENTS = ['OpenAI/JS 6.49.0', 'OpenAI/Python 2.8.1', 'node', 'curl/8.5.0'];
const FAILED_OF_A_HUNDRED = 3;
const STREAMED_OF_A_HUNDRED = 40;

/** Creates present calls of many customers, keys and models, with and without streaming, a few of them failed. */
export const createCallRecords = (clock: Clock): (() => RecordedCall) => {
  const nextId = createIds(clock);
  const key_ids = Array.from({ length: CUSTOMERS * KEYS_A_CUSTOMER }, () => nextId());
  const [price_version, rule_version] = [hex(32), hex(32)];
  return () => {
    const customer = randomInt(CUSTOMERS);
    const deployment = pick(DEPLOYMENTS);
    const now_ms = clock.now();
    const ended = end(deployment, now_ms, price_version);
    const record = (kind: CallRecord['kind'], intent_sequence: number | null, call: CallFacts): CallRecord => ({
      schema_version: SCHEMA_VERSION,
      kind,
      intent_sequence,
      request_id,
      recorded_at: instantOf(now_ms),
      customer: `customer-${customer}`,
      api_key: key_ids[customer * KEYS_A_CUSTOMER + randomInt(KEYS_A_CUSTOMER)]!,
      provider: deployment.provider,
      model: deployment.model,
      routing_rule: 'cheapest',
      call,
      route: routeOf(deployment, kind === 'intent' ? null : ended, rule_version),
    });
    const request_id = nextId();
    const intent = record('intent', null, { ...ended, ...NOT_ENDED });
    return {
      intent,
      outcome: (intent_sequence) => ({
        ...record('outcome', intent_sequence, ended),
        api_key: intent.api_key,
      }),
    };
  };
};

const NOT_ENDED = {
  prompt_tokens: null,
  completion_tokens: null,
  total_tokens: null,
  cached_tokens: null,
  cache_write_tokens: null,
  reasoning_tokens: null,
  provider_cost: null,
  gateway_markup: null,
  customer_cost: null,
  price_version: null,
  upstream_latency_ms: null,
  time_to_first_token_ms: null,
  response_commitment: null,
  rating: 'UNPRICED' as const,
  usage_source: 'none' as const,
  response_bytes: 0,
  response_status: 'ABANDONED' as const,
  http_status: 503,
  error_code: 'abandoned',
  error_message: null,
} satisfies Partial<CallFacts>;

const end = (deployment: Deployment, now_ms: number, price_version: string): CallFacts => {
  const upstream_latency_ms = randomInt(150, 4_000);
  const request_latency_ms = upstream_latency_ms + randomInt(1, 6);
  const is_streamed = randomInt(100) < STREAMED_OF_A_HUNDRED;
  const is_failed = randomInt(100) < FAILED_OF_A_HUNDRED;
  const [prompt_tokens, completion_tokens] = is_failed ? [0, 0] : [randomInt(20, 3_000), randomInt(5, 900)];
  const provider_cost = prompt_tokens * deployment.input + completion_tokens * deployment.output;
  return {
    request_timestamp: instantOf(now_ms - request_latency_ms),
    request_type: 'completion',
    endpoint: '/v1/chat/completions',
    priority: null,
    model_requested: deployment.model,
    model_used: deployment.model,
    route_reason: 'model named by the client',
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    request_latency_ms,
    upstream_latency_ms,
    is_streamed,
    time_to_first_token_ms: is_streamed ? randomInt(80, 150) : null,
    provider_cost: String(provider_cost),
    gateway_markup: String(provider_cost / 5),
    customer_cost: String(provider_cost + provider_cost / 5),
    rating: is_failed ? 'NONE' : 'RATED',
    price_version: is_failed ? null : price_version,
    usage_source: is_failed ? 'none' : 'provider',
    request_ip: `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`,
    user_agent: pick(USER_AGENTS),
    response_status: is_failed ? 'ERROR' : 'SUCCESS',
    http_status: is_failed ? 502 : 200,
    error_code: is_failed ? 'provider_error' : null,
    error_message: is_failed ? 'The provider failed.' : null,
    compliance_flags: randomInt(50) === 0 ? ['PII'] : [],
    request_bytes: randomInt(120, 12_000),
    response_bytes: randomInt(500, 6_000),
    request_commitment: hex(32),
    response_commitment: hex(32),
  };
};

const routeOf = (deployment: Deployment, ended: CallFacts | null, rule_version: string): RouteFacts => {
  const { provider, model } = deployment;
  const latency_ms = ended?.upstream_latency_ms ?? 0;
  const { http_status = 0, error_code = null } = ended ?? {};
  return {
    candidates: [{ provider, model, worst_cost: String(deployment.output * 16_384) }],
    attempts: ended === null ? [] : [{ provider, model, latency_ms, http_status, error_code, ...ratingOf(ended) }],
    decision: 'model named by the client',
    rule_version,
    max_cost: null,
  };
};

const ratingOf = ({ rating, prompt_tokens, completion_tokens }: CallFacts): Pick<Attempt, 'rating'> =>
  rating === 'RATED'
    ? {
        rating: {
          units: { request: 1, input: prompt_tokens!, output: completion_tokens! },
          tier: 0,
          markup_basis_points: 2_000,
        },
      }
    : {};

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)]!;
