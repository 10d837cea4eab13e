import type { ChatMessage, JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';
import { markedBlock, markOf } from '../thinking-mark.ts';

// https://ai.google.dev/gemini-api/docs/thought-signatures: Gemini 3 refuses a call of its own that comes back without
// the signature it had, and calls of others without this word, which Google gives for them.
export const UNSIGNED_CALL = 'skip_thought_signature_validator';

/** The signature of the text of a reply: a call is called by its id. */
const OF_TEXT = '';

/** A signature on a call, where Google's own endpoint in OpenAI's form puts it. */
export const signedCall = (signature: string): JsonObject => ({
  extra_content: { google: { thought_signature: signature } },
});

/** The same as a block of thinking, for protocols whose calls have no place for it. @param call_id null: of the text */
export const signatureBlock = (call_id: string | null, signature: string): JsonObject =>
  markedBlock('google', `${call_id ?? OF_TEXT}:${signature}`);

interface Signatures {
  ofText(): string | null;
  ofCall(call: JsonObject): string | null;
}

/** The signatures that a client sent back with a message, on its calls or as blocks. */
export const signaturesOf = (message: ChatMessage): Signatures => {
  const blocks = new Map<string, string>();
  for (const block of Array.isArray(message.thinking_blocks) ? message.thinking_blocks : []) {
    const mark = markOf(block);
    if (mark?.provider !== 'google') continue;
    // Signatures are base64, so that the last colon is ours whatever the id holds.
    const colon = mark.data.lastIndexOf(':');
    blocks.set(mark.data.slice(0, Math.max(0, colon)), mark.data.slice(colon + 1));
  }
  return {
    ofText: () => blocks.get(OF_TEXT) ?? null,
    ofCall: (call) => signatureOn(call) ?? blocks.get(String(call.id)) ?? null,
  };
};

const signatureOn = ({ extra_content }: JsonObject): string | null => {
  const google = isObject(extra_content) ? extra_content.google : undefined;
  const signature = isObject(google) ? google.thought_signature : undefined;
  return typeof signature === 'string' && signature !== '' ? signature : null;
};
