import { countedUsage, countText } from '../token-count.ts';
import { OPCODES, type Received } from './frame-reader.ts';
import { type ProviderEvent, readProviderEvent } from './provider-events.ts';
import type { Session } from './session.ts';

export interface ProviderSide {
  /** Passes a message on to the client, once what it says is counted. */
  take(message: Received): Promise<void>;
  /** Counts responses that began and of which the provider never told what they used. */
  countUntold(): Promise<void>;
}

// 16-bit sound at 24 kHz, of which OpenAI counts a token each 50 ms that a model speaks.
const BYTES_PER_AUDIO_TOKEN = 2_400;
// Far more than a model says in one response.
const HEARD_MAX_CHARS = 1_048_576;

/** What a response has said by now. */
interface Heard {
  text: string;
  audio_bytes: number;
}

export const createProviderSide = (session: Session): ProviderSide => {
  const { call, ledger } = session;
  const heard = new Map<string, Heard>();
  /** Tokens of the conversation as the provider last told them: the next prompt begins with it. */
  let context_tokens = 0;

  const noteSaid = (event: Extract<ProviderEvent, { kind: 'text' | 'audio' }>): void => {
    const { response_id } = event;
    if (!ledger.active.has(response_id)) return;
    const known = heard.get(response_id) ?? { text: '', audio_bytes: 0 };
    heard.set(response_id, known);
    if (event.kind === 'audio') known.audio_bytes += event.byte_count;
    else if (known.text.length < HEARD_MAX_CHARS) known.text += event.text;
  };
  const note = async (message: Received): Promise<'done' | 'other'> => {
    if (message.opcode !== OPCODES.text) return 'other';
    const event = readProviderEvent(message.payload.toString());
    if (event.kind === 'error') ledger.refused(event.event_id);
    if (event.kind === 'created') await ledger.created(event.response_id);
    if (event.kind === 'text' || event.kind === 'audio') noteSaid(event);
    if (event.kind !== 'done') return 'other';
    const before = call.usage?.total_tokens ?? 0;
    await ledger.done(event.response_id, event.response);
    heard.delete(event.response_id);
    context_tokens = Math.max(context_tokens, (call.usage?.total_tokens ?? 0) - before);
    session.unanswered_text = '';
    return 'done';
  };
  return {
    take: async (message) => {
      const kind = await note(message);
      await session.tell(message);
      if (kind === 'done' && session.ending === null) await ledger.renew();
    },
    countUntold: async () => {
      let completion_tokens = 0;
      let completion_audio_tokens = 0;
      const untold = [...heard].filter(([response_id]) => ledger.active.has(response_id));
      for (const [, { text, audio_bytes }] of untold) {
        const spoken = Math.ceil(audio_bytes / BYTES_PER_AUDIO_TOKEN);
        completion_audio_tokens += spoken;
        completion_tokens += spoken + (await countText(text));
      }
      if (completion_tokens === 0) return;
      const { max_prompt_tokens, max_completion_tokens } = call.chosen!;
      const unanswered = await countText(session.unanswered_text);
      const prompt_tokens = Math.min(max_prompt_tokens, context_tokens + unanswered) * untold.length;
      ledger.count({
        ...countedUsage(prompt_tokens, Math.min(completion_tokens, max_completion_tokens * untold.length)),
        completion_audio_tokens: Math.min(completion_audio_tokens, max_completion_tokens * untold.length),
        longest_prompt_tokens: Math.min(max_prompt_tokens, context_tokens + unanswered),
      });
    },
  };
};
