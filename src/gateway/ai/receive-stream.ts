import type { SsePiece, UpstreamReply } from '../../providers/contract.ts';
import type { Call } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import type { Dialogue, Frames } from './operation.ts';

// Below the 15 s that WHATWG HTML suggests for comments, as proxies cut what is silent for 30 s or more.
const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * Passes the frames of a stream on as they come, as fast as the client takes them. What came before a fault passes
 * before it, unless the client has seen nothing yet: then another provider may still be asked.
 * @throws OneVaultError what broke the stream
 */
export const receiveStream = async (
  { clock }: GatewayDeps,
  call: Call,
  dialogue: Dialogue,
  reply: UpstreamReply,
): Promise<void> => {
  const form = call.ask!.stream_form;
  const frames = form?.reframe(dialogue.stream()) ?? dialogue.stream();
  call.frames = frames;
  let sent_ms = call.received_ms;
  const send = (text: string): Promise<void> | null => {
    sent_ms = clock.now();
    return call.reply.write(text, form?.content_type);
  };
  const take = (pieces: readonly SsePiece[]): Promise<void> | null => {
    const { text, has_event, fault } = translate(frames, pieces);
    if (has_event) call.time_to_first_token_ms ??= Math.max(0, clock.now() - call.received_ms);
    const room = text !== '' && (fault === null || call.reply.has_started) ? send(text) : null;
    if (fault !== null) throw fault.error;
    if (frames.is_over) reply.drain();
    const is_silent = text === '' && clock.now() - sent_ms >= KEEP_ALIVE_AFTER_MS;
    return is_silent && !frames.is_over && frames.keep_alive !== '' ? send(frames.keep_alive) : room;
  };
  try {
    await reply.each(take);
    frames.end();
  } finally {
    call.usage = frames.usage;
  }
};

interface Translated {
  readonly text: string;
  /** Whether any of the text is of an event, and not of comments alone. */
  readonly has_event: boolean;
  readonly fault: { readonly error: unknown } | null;
}

const translate = (frames: Frames, pieces: readonly SsePiece[]): Translated => {
  let text = '';
  let has_event = false;
  try {
    for (const piece of pieces) {
      if (frames.is_over) break;
      const added = frames.push(piece);
      if (piece.data !== null && added !== '') has_event = true;
      text += added;
    }
  } catch (error) {
    return { text, has_event, fault: { error } };
  }
  return { text, has_event, fault: null };
};
