import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import type { RequestTarget, Upstream, UpstreamRequest } from '../contract.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { get, post } from './post.ts';
import { servedAs } from './service-tier.ts';
import { usageOf } from './usage.ts';

export type Fields = Record<string, unknown>;

/** How a server that speaks OpenAI's chat completions departs from OpenAI. */
export interface ChatProfile {
  /** Of the provider, for sentences. */
  readonly name: string;
  /** Extensions of the pivot form that it takes. */
  readonly takes: ReadonlySet<string>;
  /** Whether the reasoning of messages that call tools goes back with them. */
  readonly wants_reasoning_back: boolean;
  /** Whether usage in a stream has to be asked for. */
  readonly asks_for_usage: boolean;
  /** The cheapest call that needs a key. */
  probe(upstream: Upstream): UpstreamRequest;
  /** POSTs the body of a chat. */
  post(body: string, target: RequestTarget): UpstreamRequest;
  /**
   * The fields of OpenAI's body as this provider takes them; those that stay are the same values.
   * @throws OneVaultError unsupported_feature, with `param` naming the field
   */
  adapt(body: JsonObject, unsupported: UnsupportedFields): JsonObject;
  /** Choices of a reply or a chunk in OpenAI's form. */
  choices(choices: readonly unknown[], field: 'message' | 'delta'): readonly unknown[];
  /** The usage of a reply or a chunk; null where it tells none. @throws OneVaultError provider_malformed */
  usage(reply: JsonObject): Usage | null;
}

/** OpenAI itself. */
export const OPENAI: ChatProfile = {
  name: 'OpenAI',
  takes: new Set(),
  wants_reasoning_back: false,
  asks_for_usage: true,
  probe: (upstream) => get('/models', upstream),
  post: (body, target) => post('/chat/completions', body, target),
  adapt: (body) => body,
  choices: (choices) => choices,
  usage: ({ usage, service_tier }) => servedAs(usageOf(usage), service_tier),
};
