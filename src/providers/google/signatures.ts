import type { ChatMessage, JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';
import { markedBlock, markOf } from '../thinking-mark.ts';

// https://ai.google.dev/gemini-api/docs/thought-signatures: Gemini 3 refuses its own call without the signature that it
// had, and another model's call without this value, which Google documents for such calls.
export const UNSIGNED_CALL = 'skip_thought_signature_validator';

/** Key of the signature of a response's text; the key of a call is its id. */
const OF_TEXT = '';

/** A signature on a call, in the field that Google's own OpenAI-compatible endpoint uses. */
export const signedCall = (signature: string): JsonObject => ({
  extra_content: { google: { thought_signature: signature } },
});

/** The same as a thinking block, for protocols whose calls have no field for it. @param call_id null for the text */
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
    // Signatures are base64, so the last colon is the separator, whatever the id contains.
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
