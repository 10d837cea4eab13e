import { errorEnvelope } from '../../../../../http/envelope.ts';
import type { ErrorFormat } from '../../../client-protocol.ts';
import { openAiErrorFormat } from '../error-format.ts';

/** A stream that breaks ends with the protocol's event for it, which holds our own fields beside its own. */
export const responsesErrorFormat: ErrorFormat = {
  ...openAiErrorFormat,
  broken: (error, request_id, now_ms, sequence_number) => {
    const envelope = errorEnvelope(error, request_id, now_ms);
    const { code, message, param } = envelope.error;
    const told = { type: 'error', sequence_number, code, message, param, ...envelope };
    return `event: error\ndata: ${JSON.stringify(told)}\n\n`;
  },
};
