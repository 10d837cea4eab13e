/** The body of a request or a response: a string for text, bytes for any other content. */
export type Body = string | Uint8Array;

/** Position of a field in the JSON text of an object. */
export interface Field {
  readonly name: string;
  /** Start of its name, start of its value, end of its value. */
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** JSON text of an object with its fields, found in another thread: a text of megabytes is not searched again. */
export interface ScannedText {
  readonly text: string;
  readonly fields: readonly Field[];
}

/** A client's body for a provider. */
export type RequestBody = Body | ScannedText;

/** A body without the places of its fields. */
export const plainBody = (body: RequestBody): Body => (typeof body === 'object' && 'fields' in body ? body.text : body);

/** A body as text; bytes are decoded as UTF-8. */
export const bodyText = (body: RequestBody): string => {
  const plain = plainBody(body);
  if (typeof plain === 'string') return plain;
  return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength).toString('utf8');
};
