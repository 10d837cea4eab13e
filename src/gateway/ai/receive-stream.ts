import type { SsePiece, UpstreamResponse } from '../../providers/contract.ts';
import type { Call } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import type { StreamEncoder, UpstreamExchange } from './operation.ts';

// Below the 15 s that WHATWG HTML suggests for comments, because proxies cut connections that are silent for 30 s.
const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * Sends a stream's frames to the client as they come, as fast as the client reads. Frames before a fault are sent,
 * unless the client has received nothing yet: then another provider may still be tried.
 * @throws OneVaultError the fault that broke the stream
 */
export const receiveStream = async (
  { clock }: GatewayDeps,
  call: Call,
  exchange: UpstreamExchange,
  response: UpstreamResponse,
): Promise<void> => {
  const form = call.parsed!.stream_form;
  const encoder = form?.reframe(exchange.stream()) ?? exchange.stream();
  call.encoder = encoder;
  let sent_ms = call.received_ms;
  const send = (text: string): Promise<void> | null => {
    sent_ms = clock.now();
    return call.client_response.write(text, form?.content_type);
  };
  const take = (pieces: readonly SsePiece[]): Promise<void> | null => {
    const { text, has_event, fault } = translate(encoder, pieces);
    if (has_event) call.time_to_first_token_ms ??= Math.max(0, clock.now() - call.received_ms);
    const room = text !== '' && (fault === null || call.client_response.has_started) ? send(text) : null;
    if (fault !== null) throw fault.error;
    if (encoder.is_over) response.drain();
    const is_silent = text === '' && clock.now() - sent_ms >= KEEP_ALIVE_AFTER_MS;
    return is_silent && !encoder.is_over && encoder.keep_alive !== '' ? send(encoder.keep_alive) : room;
  };
  try {
    await response.each(take);
    encoder.end();
  } finally {
    call.usage = encoder.usage;
  }
};

interface Translated {
  readonly text: string;
  /** True if the text contains an event, not only comments. */
  readonly has_event: boolean;
  readonly fault: { readonly error: unknown } | null;
}

const translate = (encoder: StreamEncoder, pieces: readonly SsePiece[]): Translated => {
  let text = '';
  let has_event = false;
  try {
    for (const piece of pieces) {
      if (encoder.is_over) break;
      const added = encoder.push(piece);
      if (piece.data !== null && added !== '') has_event = true;
      text += added;
    }
  } catch (error) {
    return { text, has_event, fault: { error } };
  }
  return { text, has_event, fault: null };
};
