import { errorEnvelope } from '../../../../../http/envelope.ts';
import type { ErrorFormat } from '../../../client-protocol.ts';
import { openAiErrorFormat } from '../error-format.ts';

/** A stream that breaks ends with the protocol's error event, which also holds the gateway's own fields. */
export const responsesErrorFormat: ErrorFormat = {
  ...openAiErrorFormat,
  broken: (error, request_id, now_ms, sequence_number) => {
    const envelope = errorEnvelope(error, request_id, now_ms);
    const { code, message, param } = envelope.error;
    const event = { type: 'error', sequence_number, code, message, param, ...envelope };
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
  },
};
