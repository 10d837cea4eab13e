import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import type { RequestTarget, Upstream, UpstreamRequest } from '../contract.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { get, post } from './post.ts';
import { withServiceTier } from './service-tier.ts';
import { usageOf } from './usage.ts';

export type Fields = Record<string, unknown>;

/** Differences of an OpenAI-compatible server's chat completions from OpenAI's. */
export interface ChatProfile {
  /** The provider's name in messages. */
  readonly name: string;
  /** Supported extensions of the pivot form. */
  readonly takes: ReadonlySet<string>;
  /** True if messages with tool calls are sent back with their reasoning. */
  readonly wants_reasoning_back: boolean;
  /** True if usage in a stream must be requested. */
  readonly requests_usage: boolean;
  /** The cheapest call that requires a key. */
  probe(upstream: Upstream): UpstreamRequest;
  /** POSTs the body of a chat. */
  post(body: string, target: RequestTarget): UpstreamRequest;
  /**
   * The fields of OpenAI's body in this provider's form. Unchanged fields keep identical values.
   * @throws OneVaultError unsupported_feature, with `param` naming the field
   */
  adapt(body: JsonObject, unsupported: UnsupportedFields): JsonObject;
  /** Choices of a response or a chunk in OpenAI's form. */
  choices(choices: readonly unknown[], field: 'message' | 'delta'): readonly unknown[];
  /** The usage of a response or a chunk; null if it is missing. @throws OneVaultError provider_malformed */
  usage(response: JsonObject): Usage | null;
}

/** The body as it is: its text need not be parsed. */
export const unadapted = (body: JsonObject): JsonObject => body;

/** The profile of OpenAI itself. */
export const OPENAI: ChatProfile = {
  name: 'OpenAI',
  takes: new Set(),
  wants_reasoning_back: false,
  requests_usage: true,
  probe: (upstream) => get('/models', upstream),
  post: (body, target) => post('/chat/completions', body, target),
  adapt: unadapted,
  choices: (choices) => choices,
  usage: ({ usage, service_tier }) => withServiceTier(usageOf(usage), service_tier),
};
