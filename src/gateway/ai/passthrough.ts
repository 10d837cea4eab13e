import type { RequestBody } from '../../core/body.ts';
import type { BytePassthrough, ClientHeaders, Passthrough, RequestTarget } from '../../providers/contract.ts';
import type { UnsupportedFields } from '../../providers/unsupported-fields.ts';
import type { ParsedRequest } from './client-protocol.ts';
import { type ByteExchange, KEEP_ALIVE, type UpstreamExchange } from './operation.ts';

interface PassthroughInput {
  readonly parsed: ParsedRequest;
  /** The request's body. */
  readonly content: RequestBody;
  readonly headers: ClientHeaders;
  readonly target: RequestTarget;
  readonly unsupported: UnsupportedFields;
}

/**
 * Exchange with a provider that speaks the client's protocol: the bytes pass unchanged, and usage is read from them.
 */
export const passThrough = (
  passthrough: Passthrough,
  { parsed, content, headers, target, unsupported }: PassthroughInput,
): UpstreamExchange => ({
  request: passthrough.request(content, target, headers, unsupported),
  whole: (body) => {
    const { usage, result } = passthrough.response!(body);
    return { usage, written: result, body: () => body };
  },
  stream: () => {
    const stream = passthrough.stream!({ include_usage: parsed.include_usage });
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
      get has_audio() {
        return stream.has_audio;
      },
    };
  },
  bytes: passthrough.bytes === undefined ? undefined : bytesOf(passthrough.bytes),
});

const bytesOf = (bytes: BytePassthrough): ByteExchange => {
  if ('chunks' in bytes) {
    return {
      chunks: (headers) => {
        const stream = bytes.chunks(headers);
        return {
          content_type: stream.content_type,
          push: stream.push,
          end: () => stream.end(),
          last: () => '',
          get usage() {
            return stream.usage;
          },
          written: () => stream.text(),
          get has_audio() {
            return stream.has_audio;
          },
        };
      },
    };
  }
  return {
    whole: (body, headers) => {
      const { result, ...read } = bytes.whole(body, headers);
      return { ...read, written: result, body: () => body };
    },
  };
};
