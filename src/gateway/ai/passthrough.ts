import type { ClientHeaders, Passage, RequestTarget } from '../../providers/contract.ts';
import type { Losses } from '../../providers/unsupported-fields.ts';
import type { Ask } from './client-protocol.ts';
import { type Dialogue, KEEP_ALIVE } from './operation.ts';

interface Passing {
  readonly ask: Ask;
  /** The request's body. */
  readonly text: string;
  readonly headers: ClientHeaders;
  readonly target: RequestTarget;
  readonly losses: Losses;
}

/** The dialogue with a provider that speaks the client's own wire: bytes pass, usage is read on the side. */
export const pass = (passage: Passage, { ask, text, headers, target, losses }: Passing): Dialogue => ({
  request: passage.request(text, target, headers, losses),
  whole: (body) => {
    const { usage, result } = passage.response(body);
    return { usage, written: result, body: () => body };
  },
  stream: () => {
    const stream = passage.stream!({ include_usage: ask.include_usage });
    return {
      push: (piece) => (piece.data === null ? piece.raw : stream.push(piece)),
      end: () => stream.end(),
      get is_over() {
        return stream.is_over === true;
      },
      keep_alive: KEEP_ALIVE,
      get next_number() {
        return stream.next_number ?? 0;
      },
      last: () => stream.last(),
      get usage() {
        return stream.usage;
      },
      written: () => stream.text(),
      get tool_uses() {
        return stream.tool_uses;
      },
    };
  },
});
