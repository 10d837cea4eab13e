import { OneVaultError } from '../../core/errors.ts';
import { type Pico, picoFromUsd, usdFromPico } from '../../core/money.ts';
import { errorEnvelope } from '../../http/envelope.ts';
import { createValidator } from '../../http/validate.ts';
import type { ChatMessage, ChatRequest } from '../../providers/contract.ts';
import type { Call, ClientProtocol } from '../call.ts';
import type { Rating } from '../rating.ts';
import schema from './ai-completions.schema.json' with { type: 'json' };

interface AiRequest {
  readonly prompt?: string;
  readonly messages?: readonly ChatMessage[];
  readonly model?: string;
  readonly type?: string;
  readonly priority?: string;
  readonly max_cost?: number | string;
  readonly max_tokens?: number;
  readonly temperature?: number;
  readonly stream?: boolean;
}

// Bounds what a call can cost where the client sets no limit, so that max_cost can be promised.
const DEFAULT_MAX_TOKENS = 1_024;

/**
 * The unified form: a prompt or messages, and what matters of the answer; the gateway picks the model. The answer
 * says the text, who gave it, what it used and cost, and why it was routed there. Streamed, each event is
 * `{"delta": "…"}` and the last one the whole answer without its text.
 */
export const createAiCompletions = (): ClientProtocol => {
  const validate = createValidator<AiRequest>(schema);
  return {
    endpoint: '/v1/ai/completions',
    read: (body) => {
      const request = validate(body);
      return {
        chat: chatOf(request),
        model: request.model ?? null,
        type: request.type ?? 'completion',
        priority: request.priority ?? 'standard',
        max_cost: maxCostOf(request.max_cost),
        stream: request.stream === true,
        include_usage: false,
      };
    },
    reply: (response, call, rating) => {
      const [choice] = response.body.choices;
      const finish_reason = choice?.finish_reason ?? null;
      return JSON.stringify({
        ...answerOf(call, rating),
        finish_reason,
        text: choice?.message.content ?? '',
      });
    },
    frame: (chunk) => {
      const delta = deltaOf(chunk);
      return delta === '' ? '' : `data: ${JSON.stringify({ delta })}\n\n`;
    },
    end: (call, rating) => `data: ${JSON.stringify(answerOf(call, rating))}\n\n`,
    broken: (error, call, now_ms) =>
      `data: ${JSON.stringify(errorEnvelope(error, call.request_id, now_ms))}\n\n`,
  };
};

const chatOf = (request: AiRequest): ChatRequest => {
  if ((request.prompt === undefined) === (request.messages === undefined)) {
    throw new OneVaultError('invalid_request', {
      param: 'prompt',
      details: 'Send either prompt or messages.',
    });
  }
  return {
    model: request.model ?? '',
    messages: request.messages ?? [{ role: 'user', content: request.prompt! }],
    max_completion_tokens: request.max_tokens ?? DEFAULT_MAX_TOKENS,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.stream === true ? { stream: true } : {}),
  };
};

/** The text that a chunk adds. A provider of the pivot form sends its own chunks, which may be of any shape. */
const deltaOf = (chunk: string): string => {
  let choices: readonly { readonly delta?: { readonly content?: unknown } }[] | undefined;
  try {
    ({ choices } = JSON.parse(chunk) as { choices?: typeof choices });
  } catch (cause) {
    throw new OneVaultError('provider_malformed', { details: 'A frame of the stream is not JSON.', cause });
  }
  const content = choices?.[0]?.delta?.content;
  return typeof content === 'string' ? content : '';
};

const maxCostOf = (max_cost: number | string | undefined): Pico | null => {
  if (max_cost === undefined) return null;
  try {
    return picoFromUsd(max_cost);
  } catch (cause) {
    const details = 'max_cost must be US dollars with at most 12 decimals.';
    throw new OneVaultError('invalid_request', { param: 'max_cost', details, cause });
  }
};

const answerOf = (call: Call, rating: Rating) => ({
  id: call.request_id,
  object: 'ai.completion',
  created: Math.floor(call.received_ms / 1_000),
  provider: call.chosen?.offer.provider ?? null,
  model: call.chosen?.offer.model ?? null,
  usage: call.usage,
  cost: rating.customer_cost === null ? null : { amount: usdFromPico(rating.customer_cost), currency: 'USD' },
  route: {
    reason: call.route?.decision ?? null,
    rule: call.route?.routing_rule ?? null,
    attempts: call.attempts,
  },
});
