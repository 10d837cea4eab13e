/** The body of a request or a response: a string for text, bytes for any other content. */
export type Body = string | Uint8Array;

/** A body as text; bytes are decoded as UTF-8. */
export const bodyText = (body: Body): string =>
  typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
