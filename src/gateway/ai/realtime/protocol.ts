import type { Model } from '../../../catalog/snapshot.ts';
import { OneVaultError } from '../../../core/errors.ts';
import { jsonBody } from '../body-reader.ts';
import type { ClientProtocol } from '../client-protocol.ts';
import type { Operation } from '../operation.ts';
import { openAiErrorFormat } from '../protocols/openai/error-format.ts';
import { countedUsage } from '../token-count.ts';

// Used if the catalog has no limit for the model: the longest prompt and response of any realtime model.
const LONGEST_PROMPT_TOKENS = 131_072;
const LONGEST_RESPONSE_TOKENS = 32_768;

/** A session as the steps of a call see it. The limits of tokens apply to one response. */
const realtimeOperation: Operation = {
  isBilled: true,
  capability: 'realtime',
  isServedBy: ({ realtime }) => realtime !== undefined,
  // The prompt comes in the session's messages, which are checked one by one.
  promptText: () => '',
  maxPromptTokens: ({ context_window_tokens }: Model) => context_window_tokens ?? LONGEST_PROMPT_TOKENS,
  maxCompletionTokens: ({ max_output_tokens }: Model) => max_output_tokens ?? LONGEST_RESPONSE_TOKENS,
  translate: () => {
    throw new Error('a session is not translated');
  },
  ownResponse: () => Promise.reject(new Error('the gateway answers no sessions itself')),
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
      details: `A session has no parameter but model. Leave out ${other.slice(0, 100)}.`,
    });
  }
  if (typeof model === 'string' && model !== '') return model;
  throw new OneVaultError('invalid_request', {
    param: 'model',
    details: 'Name the model once in the parameter model, as in /v1/realtime?model=gpt-realtime.',
  });
};
