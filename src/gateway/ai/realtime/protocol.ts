import { OneVaultError } from '../../../core/errors.ts';
import { jsonBody } from '../body-reader.ts';
import type { ClientProtocol } from '../client-protocol.ts';
import { openAiErrorFormat } from '../protocols/openai/error-format.ts';
import { realtimeOperation } from './operation.ts';

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
