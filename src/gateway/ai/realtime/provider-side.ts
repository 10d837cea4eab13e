import type { Message } from '../../../http/web-socket.ts';
import { countedUsage, countText } from '../token-count.ts';
import { type ProviderEvent, readProviderEvent } from './provider-events.ts';
import { type Session, UNANSWERED_MAX_CHARS } from './session.ts';

export interface ProviderSide {
  /** Passes a message on to the client, once its usage is counted. */
  take(message: Message): Promise<void>;
  /** Counts the responses that began, but whose usage the provider never reported. */
  countUnreported(): Promise<void>;
}

// 16-bit sound at 24 kHz; OpenAI counts one token for each 50 ms of a model's speech.
const BYTES_PER_AUDIO_TOKEN = 2_400;
// Far more text than a model produces in one response.
const PRODUCED_MAX_CHARS = 1_048_576;

/** The output of a response up to now. */
interface Produced {
  text: string;
  audio_bytes: number;
}

export const createProviderSide = (session: Session): ProviderSide => {
  const { call, budget } = session;
  const produced = new Map<string, Produced>();
  /** Tokens of the conversation, as last reported. The next prompt begins with them. */
  let context_tokens = 0;

  const noteOutput = (event: Extract<ProviderEvent, { kind: 'text' | 'audio' }>): void => {
    const { response_id } = event;
    if (!budget.active.has(response_id)) return;
    const known = produced.get(response_id) ?? { text: '', audio_bytes: 0 };
    produced.set(response_id, known);
    if (event.kind === 'audio') known.audio_bytes += event.byte_count;
    else if (known.text.length < PRODUCED_MAX_CHARS) known.text += event.text;
  };
  const note = async (message: Message): Promise<'done' | 'other'> => {
    if (message.kind !== 'text') return 'other';
    const event = readProviderEvent(message.payload.toString());
    if (event.kind === 'error') budget.refused(event.event_id);
    if (event.kind === 'created') await budget.created(event.response_id);
    if (event.kind === 'text' || event.kind === 'audio') noteOutput(event);
    if (event.kind !== 'done') return 'other';
    const before = call.usage?.total_tokens ?? 0;
    await budget.done(event.response_id, event.response);
    produced.delete(event.response_id);
    context_tokens = Math.max(context_tokens, (call.usage?.total_tokens ?? 0) - before);
    session.unanswered_text = '';
    return 'done';
  };
  return {
    take: async (message) => {
      const kind = await note(message);
      await session.sendToClient(message);
      if (kind === 'done' && session.ending === null) await budget.renew();
    },
    countUnreported: async () => {
      let completion_tokens = 0;
      let completion_audio_tokens = 0;
      const unreported = [...produced].filter(([response_id]) => budget.active.has(response_id));
      for (const [, { text, audio_bytes }] of unreported) {
        const spoken = Math.ceil(audio_bytes / BYTES_PER_AUDIO_TOKEN);
        completion_audio_tokens += spoken;
        completion_tokens += spoken + (await countText(text));
      }
      if (completion_tokens === 0) return;
      const { max_prompt_tokens, max_completion_tokens } = call.chosen!;
      const unanswered = await countText(session.unanswered_text.slice(-UNANSWERED_MAX_CHARS));
      const prompt_tokens = Math.min(max_prompt_tokens, context_tokens + unanswered) * unreported.length;
      budget.count({
        ...countedUsage(prompt_tokens, Math.min(completion_tokens, max_completion_tokens * unreported.length)),
        completion_audio_tokens: Math.min(completion_audio_tokens, max_completion_tokens * unreported.length),
        longest_prompt_tokens: Math.min(max_prompt_tokens, context_tokens + unanswered),
      });
    },
  };
};
