import type { ServerResponse } from 'node:http';
import type { Body } from '../../core/body.ts';
import type { ClientResponse } from '../client-response.ts';
import type { SentResponse } from './replay-store.ts';

// They belong to one call or connection, not to its content.
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'x-onevault-receipt',
]);

/**
 * A client response that also gathers what it sends.
 * @param own_headers further headers of this call alone, in lower case, as its request id
 * @param max_bytes beyond it nothing is gathered
 * @param sent gets the response when its last byte is sent
 */
export const recordResponse = (
  inner: ClientResponse,
  response: ServerResponse,
  { own_headers, max_bytes }: { readonly own_headers: readonly string[]; readonly max_bytes: number },
  sent: (whole: SentResponse) => void,
): ClientResponse => {
  let pieces: Buffer[] | null = [];
  let byte_count = 0;
  let stream_type: string | undefined;
  let last: Body = '';
  const gather = (piece: Body): void => {
    byte_count += Buffer.byteLength(piece);
    if (byte_count > max_bytes) pieces = null;
    pieces?.push(Buffer.from(piece as string));
  };
  const headersOf = (finish_headers: Readonly<Record<string, string>>): Record<string, string> => {
    const set = Object.entries(response.getHeaders()).flatMap(([name, value]) =>
      value === undefined || OWN_HEADERS.has(name) || own_headers.includes(name) ? [] : [[name, String(value)]],
    );
    return {
      ...(Object.fromEntries(set) as Record<string, string>),
      ...finish_headers,
      ...(stream_type === undefined ? {} : { 'content-type': stream_type }),
    };
  };
  return {
    get has_started() {
      return inner.has_started;
    },
    get byte_count() {
      return inner.byte_count;
    },
    write: (piece, content_type) => {
      gather(piece);
      stream_type ??= content_type;
      return inner.write(piece, content_type);
    },
    prepare: (piece) => {
      last = piece;
      inner.prepare(piece);
    },
    finish: (status, headers) => {
      gather(last);
      if (pieces !== null) sent({ headers: headersOf(headers), body: Buffer.concat(pieces) });
      inner.finish(status, headers);
    },
    cut: inner.cut,
    commitment: inner.commitment,
  };
};
