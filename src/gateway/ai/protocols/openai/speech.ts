import { createValidator } from '../../../../http/validate.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type SpeechRequest, speechOperation } from '../../operations/speech.ts';
import { openAiErrorFormat } from './error-format.ts';
import schema from './speech.schema.json' with { type: 'json' };

/** OpenAI's speech. The audio is always streamed: in chunks, or as events if `stream_format` is `sse`. */
export const createSpeech = (): ClientProtocol => {
  const validate = createValidator<SpeechRequest>(schema);
  return {
    path: '/v1/audio/speech',
    endpoint: '/v1/audio/speech',
    protocol_name: 'openai-speech',
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      return {
        model: request.model,
        type: 'speech',
        priority: null,
        max_cost: null,
        stream: true,
        include_usage: true,
        operation: speechOperation(request),
      };
    },
  };
};
