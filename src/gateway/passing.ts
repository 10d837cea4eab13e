import type { ClientHeaders, Passage, RequestTarget } from '../providers/contract.ts';
import type { Ask } from './client-protocol.ts';
import type { Dialogue } from './work.ts';

interface Passing {
  readonly ask: Ask;
  /** The request's body. */
  readonly text: string;
  readonly headers: ClientHeaders;
  readonly target: RequestTarget;
}

/** The dialogue with a provider that speaks the client's own wire: bytes pass, usage is read on the side. */
export const pass = (passage: Passage, { ask, text, headers, target }: Passing): Dialogue => ({
  request: passage.request(text, target, headers),
  whole: (body) => {
    const { usage, result } = passage.response(body);
    return { usage, written: result, body: () => body };
  },
  stream: () => {
    const stream = passage.stream!({ include_usage: ask.include_usage });
    return {
      push: (event) => stream.push(event),
      end: () => stream.end(),
      last: () => stream.last(),
      get usage() {
        return stream.usage;
      },
      written: () => stream.text(),
    };
  },
});
