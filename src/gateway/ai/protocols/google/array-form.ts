import type { StreamForm } from '../../client-protocol.ts';
import { statusEnvelope } from './error-format.ts';

/**
 * A stream as one JSON list whose items come one by one: Google's form of a stream without `alt=sse`. Each item is an
 * event's data, byte for byte.
 */
export const arrayForm: StreamForm = {
  content_type: 'application/json; charset=utf-8',
  reframe: (encoder) => {
    let has_begun = false;
    const items = (text: string): string => {
      let out = '';
      for (const data of dataOf(text)) {
        out += has_begun ? `,\r\n${data}` : `[${data}`;
        has_begun = true;
      }
      return out;
    };
    return {
      push: (piece) => (piece.data === null ? '' : items(encoder.push(piece))),
      end: () => encoder.end(),
      last: (call, rating) => `${items(encoder.last(call, rating))}${has_begun ? '' : '['}]`,
      get is_over() {
        return encoder.is_over;
      },
      keep_alive: '',
      get usage() {
        return encoder.usage;
      },
      written: () => encoder.written(),
      get tool_uses() {
        return encoder.tool_uses;
      },
    };
  },
  error: (envelope) => [envelope],
  broken: (error, request_id, now_ms) => `,\r\n${JSON.stringify(statusEnvelope(error, request_id, now_ms))}]`,
};

/** Data of the events in `text` (WHATWG HTML, section 9.2.6). */
const dataOf = (text: string): readonly string[] => {
  const out: string[] = [];
  let data: string | null = null;
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data !== null) out.push(data);
      data = null;
    } else if (line.startsWith('data:')) {
      const value = line.slice(line[5] === ' ' ? 6 : 5);
      data = data === null ? value : `${data}\n${value}`;
    }
  }
  return out;
};
