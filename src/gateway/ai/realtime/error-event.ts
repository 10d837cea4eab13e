import type { OneVaultError } from '../../../core/errors.ts';
import { errorEnvelope } from '../../../http/envelope.ts';
import { OPCODES, type Received } from './frame-reader.ts';
import { writeFrame } from './frame-writer.ts';

interface Told {
  readonly request_id: string;
  readonly now_ms: number;
  /** The client's event that it is about; null where it is about the session. */
  readonly event_id: string | null;
}

/** An error as a message for the client, in the form that OpenAI's clients read. */
export const errorEvent = (error: OneVaultError, { request_id, now_ms, event_id }: Told): Received => {
  const envelope = errorEnvelope(error, request_id, now_ms);
  const event = { type: 'error', event_id: `event_${request_id}`, error: { ...envelope.error, event_id } };
  const payload = Buffer.from(JSON.stringify(event));
  return { opcode: OPCODES.text, payload, raw: [writeFrame(OPCODES.text, payload, false)] };
};
