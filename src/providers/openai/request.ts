import type { ChatRequest, JsonObject } from '../chat-form.ts';
import type { RequestTarget, UpstreamRequest } from '../contract.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import type { ChatProfile, Fields } from './compatibility-profile.ts';
import { messagesOf } from './messages.ts';

/**
 * A call in the pivot form that came in another protocol, in OpenAI's form: own fields unchanged, extensions translated
 * where OpenAI has an equivalent; then adapted to the compatible provider.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const createChatRequest =
  (profile: ChatProfile) =>
  (chat: ChatRequest, target: RequestTarget, unsupported: UnsupportedFields): UpstreamRequest => {
    const body: Fields = {
      model: target.model,
      messages: messagesOf(chat.messages, unsupported, profile.wants_reasoning_back),
    };
    for (const [field, value] of Object.entries(chat)) {
      if (READ_ELSEWHERE.has(field) || value === undefined || value === null) continue;
      if (OWN.has(field) || profile.takes.has(field)) body[field] = value;
      else if (EXTENSIONS[field] !== undefined) EXTENSIONS[field](value, body, unsupported);
      else unsupported.add(field, `${profile.name} has no equivalent of this field`);
    }
    if (chat.reasoning_effort === 'max') body.reasoning_effort = 'xhigh';
    limitStops(body, unsupported);
    if (target.stream) Object.assign(body, { stream: true, stream_options: { include_usage: true } });
    return profile.post(JSON.stringify(profile.adapt(body, unsupported)), target);
  };

type Translate = (value: unknown, body: Fields, unsupported: UnsupportedFields) => void;

const READ_ELSEWHERE: ReadonlySet<string> = new Set(['model', 'messages', 'stream', 'stream_options']);

// https://platform.openai.com/docs/api-reference/chat/create
const OWN: ReadonlySet<string> = new Set([
  'audio',
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'metadata',
  'modalities',
  'moderation',
  'n',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'seed',
  'service_tier',
  'stop',
  'store',
  'temperature',
  'tool_choice',
  'top_logprobs',
  'top_p',
  'user',
  'verbosity',
  'web_search_options',
]);

const tools: Translate = (value, body) => {
  if (!Array.isArray(value) || value.length === 0) return;
  body.tools = value.map((tool: unknown) => (isObject(tool) ? withoutCacheMark(tool) : tool));
};

const withoutCacheMark = ({ cache_control: _mark, ...rest }: JsonObject): JsonObject => rest;

// A budget of thinking in tokens becomes the nearest effort; Anthropic's smallest budget is 1,024.
const LOW_BUDGET_TOKENS = 4_096;
const MEDIUM_BUDGET_TOKENS = 16_384;

/** An explicit effort takes precedence. Disabled or automatic thinking means the same as a missing effort. */
const thinking: Translate = (value, body) => {
  const budget_tokens = isObject(value) && value.type === 'enabled' ? value.budget_tokens : undefined;
  if (typeof budget_tokens !== 'number' || body.reasoning_effort !== undefined) return;
  if (budget_tokens <= LOW_BUDGET_TOKENS) body.reasoning_effort = 'low';
  else body.reasoning_effort = budget_tokens <= MEDIUM_BUDGET_TOKENS ? 'medium' : 'high';
};

// Without a prototype, so that a field named `constructor` finds no entry.
const EXTENSIONS: Readonly<Record<string, Translate>> = Object.assign(Object.create(null) as object, {
  tools,
  thinking,
  // OpenAI caches prompts automatically, so a mark changes no response.
  cache_control: (() => {}) satisfies Translate,
});

const STOPS_MAX = 4;

const limitStops = (body: Fields, unsupported: UnsupportedFields): void => {
  const { stop } = body;
  if (!Array.isArray(stop) || stop.length <= STOPS_MAX) return;
  unsupported.add('stop', `OpenAI takes ${STOPS_MAX} stop sequences at most`);
  body.stop = stop.slice(0, STOPS_MAX);
};
