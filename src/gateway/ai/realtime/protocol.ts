import type { Model } from '../../../catalog/snapshot.ts';
import { OneVaultError } from '../../../core/errors.ts';
import { jsonBody } from '../body-reader.ts';
import type { ClientProtocol } from '../client-protocol.ts';
import type { Operation } from '../operation.ts';
import { openAiErrorFormat } from '../protocols/openai/error-format.ts';
import { countedUsage } from '../token-count.ts';

// Stand in if the catalog bounds neither prompt nor reply: as long as any model reads and speaks at a time.
const LONGEST_PROMPT_TOKENS = 131_072;
const LONGEST_REPLY_TOKENS = 32_768;

/** A session as the steps of a call see it: one response is bounded. */
const realtimeOperation: Operation = {
  isBilled: true,
  capability: 'realtime',
  isServedBy: ({ realtime }) => realtime !== undefined,
  // It comes in the session's messages, which are looked at one by one.
  promptText: () => '',
  maxPromptTokens: ({ context_window_tokens }: Model) => context_window_tokens ?? LONGEST_PROMPT_TOKENS,
  maxCompletionTokens: ({ max_output_tokens }: Model) => max_output_tokens ?? LONGEST_REPLY_TOKENS,
  translate: () => {
    throw new Error('sessions pass as they are');
  },
  ownResponse: () => Promise.reject(new Error('we hold no sessions of our own')),
  countUsage: async () => countedUsage(0, 0),
};

/** `GET /v1/realtime?model=…`: OpenAI's realtime sessions over WebSocket. */
export const realtime: ClientProtocol = {
  path: '/v1/realtime',
  endpoint: '/v1/realtime',
  protocol_name: null,
  error_format: openAiErrorFormat,
  body_reader: jsonBody,
  read: (_body, { query }) => ({
    model: modelOf(query),
    type: 'realtime',
    priority: null,
    max_cost: null,
    stream: true,
    include_usage: true,
    operation: realtimeOperation,
  }),
};

const modelOf = ({ model, ...rest }: Readonly<Record<string, string | string[] | undefined>>): string => {
  const [other] = Object.keys(rest);
  if (other !== undefined) {
    throw new OneVaultError('unsupported_feature', {
      param: other.slice(0, 100),
      details: `A session takes the parameter model and no other: leave out ${other.slice(0, 100)}.`,
    });
  }
  if (typeof model === 'string' && model !== '') return model;
  throw new OneVaultError('invalid_request', {
    param: 'model',
    details: 'The parameter model names the model, once: /v1/realtime?model=gpt-realtime.',
  });
};
