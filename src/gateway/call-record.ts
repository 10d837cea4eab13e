import { instantOf } from '../core/clock.ts';
import type { OneVaultError } from '../core/errors.ts';
import { clientAddress } from '../http/client-address.ts';
import {
  type Attempt,
  type CallFacts,
  type CallRecord,
  type RatingFacts,
  type RouteFacts,
  SCHEMA_VERSION,
  type SessionFacts,
} from '../journal/record.ts';
import { NOTHING_USED, type Rating } from '../pricing/rating.ts';
import type { Call, SessionTraffic } from './call.ts';

// Limit of the vault's columns. Longer texts come from the client or the provider and are cut.
const LONGEST_TEXT = 1_000;

/** Intent: written before a provider sees the call. Its outcome fields hold if no outcome record follows. */
export const intentRecord = (call: Call, now_ms: number): CallRecord =>
  recordOf(call, 'intent', now_ms, {
    ...NOTHING_USED_FACTS,
    response_status: 'ABANDONED',
    http_status: 503,
    error_code: 'abandoned',
    error_message: null,
    response_commitment: null,
  });

/**
 * Progress of a session: replaces its intent after each part that was used. Its outcome fields hold if no outcome
 * follows.
 */
export const progressRecord = (call: Call, rating: Rating, now_ms: number): CallRecord => {
  const end: EndFacts = {
    ...usedFacts(call, rating),
    response_status: 'ABANDONED',
    http_status: 503,
    error_code: 'abandoned',
    error_message: null,
    response_commitment: commitmentOf(call),
  };
  return recordOf(call, 'intent', now_ms, end, rating.facts);
};

/** Outcome: written when the call is over, before the last byte of the client response leaves. */
export const outcomeRecord = (call: Call, rating: Rating, http_status: number, now_ms: number): CallRecord => {
  const { error } = call;
  const end: EndFacts = {
    ...usedFacts(call, rating),
    response_status: statusOf(call, error),
    http_status,
    error_code: error?.code ?? null,
    error_message: error === null ? null : cut(error.details ?? error.message),
    response_commitment: commitmentOf(call),
  };
  return recordOf(call, 'outcome', now_ms, end, rating.facts);
};

const commitmentOf = ({ session, client_response }: Call): string | null =>
  session === null ? client_response.commitment() : session.provider.commitment();

const usedFacts = ({ usage, usage_source }: Call, rating: Rating) => ({
  prompt_tokens: usage?.prompt_tokens ?? null,
  completion_tokens: usage?.completion_tokens ?? null,
  total_tokens: usage?.total_tokens ?? null,
  cached_tokens: usage?.cached_tokens ?? null,
  cache_write_tokens: usage?.cache_write_tokens ?? null,
  reasoning_tokens: usage?.reasoning_tokens ?? null,
  provider_cost: rating.provider_cost?.toString() ?? null,
  gateway_markup: rating.gateway_markup?.toString() ?? null,
  customer_cost: rating.customer_cost?.toString() ?? null,
  rating: rating.rating,
  price_version: rating.price_version,
  usage_source,
});

const NOTHING_USED_FACTS = {
  prompt_tokens: null,
  completion_tokens: null,
  total_tokens: null,
  cached_tokens: null,
  cache_write_tokens: null,
  reasoning_tokens: null,
  provider_cost: null,
  gateway_markup: null,
  customer_cost: null,
  rating: 'UNPRICED',
  price_version: NOTHING_USED.price_version,
  usage_source: 'none',
} as const;

type EndFacts = Pick<
  CallFacts,
  | keyof typeof NOTHING_USED_FACTS
  | 'response_status'
  | 'http_status'
  | 'error_code'
  | 'error_message'
  | 'response_commitment'
>;

const recordOf = (
  call: Call,
  kind: CallRecord['kind'],
  now_ms: number,
  end: EndFacts,
  rated: RatingFacts | null = null,
): CallRecord => {
  const record = withoutKey(call, kind, now_ms, end, rated);
  return call.idempotency === null ? record : { ...record, idempotency: call.idempotency.facts };
};

const withoutKey = (
  call: Call,
  kind: CallRecord['kind'],
  now_ms: number,
  end: EndFacts,
  rated: RatingFacts | null,
): CallRecord => ({
  schema_version: SCHEMA_VERSION,
  kind,
  intent_sequence: call.intent_sequence,
  request_id: call.request_id,
  recorded_at: instantOf(now_ms),
  customer: call.customer?.customer ?? null,
  api_key: call.api_key?.api_key ?? null,
  provider: call.chosen?.deployment.provider ?? null,
  model: call.chosen?.deployment.model ?? null,
  routing_rule: call.route?.routing_rule ?? null,
  call: {
    request_timestamp: instantOf(call.received_ms),
    request_type: call.parsed?.type ?? 'completion',
    endpoint: call.protocol.endpoint,
    model_requested: call.parsed?.model == null ? null : cut(call.parsed.model),
    model_used: call.chosen?.deployment.model ?? 'unknown',
    request_latency_ms: Math.max(0, now_ms - call.received_ms),
    upstream_latency_ms: call.upstream_latency_ms,
    time_to_first_token_ms: call.time_to_first_token_ms,
    route_reason: call.route?.decision ?? null,
    request_ip: clientAddress(call.ctx.req),
    user_agent: cutOrNull(call.ctx.req.headers['user-agent']),
    compliance_flags: [...call.compliance_flags],
    // A model that cannot stream responds whole.
    is_streamed: call.response === null && (call.parsed?.stream ?? false),
    priority: call.parsed?.priority ?? null,
    request_bytes: call.session?.client.byte_count ?? call.body.length,
    response_bytes: call.session?.provider.byte_count ?? call.client_response.byte_count,
    request_commitment: call.session?.client.commitment() ?? call.request_commitment,
    ...end,
  },
  route: call.route === null ? null : routeFacts(call, call.route, rated),
});

const routeFacts = (call: Call, route: NonNullable<Call['route']>, rated: RatingFacts | null): RouteFacts => ({
  candidates: route.candidates.map(({ deployment, max_customer_cost }) => ({
    provider: deployment.provider,
    model: deployment.model,
    worst_cost: max_customer_cost?.toString() ?? null,
  })),
  attempts: attemptsOf(call, rated),
  decision: route.decision,
  rule_version: route.rule_version,
  max_cost: call.parsed?.max_cost?.toString() ?? null,
});

/** Adds the rating to the last attempt, and the provider's bill if the customer's own key paid. */
const attemptsOf = ({ attempts, chosen, provider_key_cost, session }: Call, rated: RatingFacts | null): Attempt[] => {
  const last = attempts.at(-1);
  if (last === undefined) return attempts;
  const is_byok = chosen !== null && chosen.provider_key !== null;
  return attempts.with(-1, {
    ...last,
    ...(is_byok ? { provider_key_cost: provider_key_cost?.toString() ?? null } : {}),
    ...(session === null ? {} : { session: sessionFacts(session) }),
    ...(rated === null ? {} : { rating: rated }),
  });
};

const sessionFacts = ({ client, provider, responses, closed_by, close_code }: SessionTraffic): SessionFacts => ({
  responses,
  closed_by,
  close_code,
  client_messages: client.message_count,
  provider_messages: provider.message_count,
});

const statusOf = (call: Call, error: OneVaultError | null): CallFacts['response_status'] => {
  if (error === null) return 'SUCCESS';
  if (error.code === 'client_closed_request') return 'CANCELLED';
  // A session that the gateway closed says nothing about the provider.
  if (call.intent_sequence === null || call.session?.closed_by === 'gateway') return 'REFUSED';
  return error.code === 'provider_timeout' ? 'TIMEOUT' : 'ERROR';
};

/** PostgreSQL's type text holds neither NUL nor half a surrogate pair. */
const cut = (text: string): string => text.slice(0, LONGEST_TEXT).replaceAll('\0', '\ufffd').toWellFormed();

const cutOrNull = (text: string | undefined): string | null => (text === undefined ? null : cut(text));
