import type { IncomingMessage } from 'node:http';
import { OneVaultError } from '../core/errors.ts';

/**
 * The body of a request, whole.
 * @throws OneVaultError body_too_large beyond `limit_bytes`; client_closed_request when the client leaves;
 *   unsupported_media_type for a compressed body
 */
export const readBody = async (request: IncomingMessage, limit_bytes: number): Promise<Buffer> => {
  refuseEncoding(request, 'content-encoding', 'identity');
  refuseEncoding(request, 'transfer-encoding', 'chunked');
  const tooLarge = (): OneVaultError =>
    new OneVaultError('body_too_large', { details: `The limit is ${limit_bytes} bytes.` });
  if (Number(request.headers['content-length'] ?? 0) > limit_bytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Leaving a plain loop destroys the request, and with it the connection that the answer needs.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit_bytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof OneVaultError) {
      request.resume();
      throw cause;
    }
    throw new OneVaultError('client_closed_request', { cause });
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
};

const refuseEncoding = (
  { headers }: IncomingMessage,
  name: 'content-encoding' | 'transfer-encoding',
  known: string,
): void => {
  const encoding = headers[name];
  if (encoding === undefined || encoding.toLowerCase() === known) return;
  throw new OneVaultError('unsupported_media_type', { details: `Send it without ${name} ${encoding}.` });
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON value in a body. @throws OneVaultError malformed_json, saying what is wrong and where */
export const parseJson = (body: Buffer): unknown => parseText(decodeBody(body));

/** The text of a body. @throws OneVaultError malformed_json where it is none */
export const decodeBody = (body: Buffer): string => {
  if (body.length === 0) throw new OneVaultError('malformed_json', { details: 'The body is empty.' });
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new OneVaultError('malformed_json', { details: 'The body is not UTF-8.', cause });
  }
};

/** The JSON value that a text is. @throws OneVaultError malformed_json, saying what is wrong and where */
export const parseText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OneVaultError('malformed_json', {
      details: cause instanceof Error ? cause.message : '',
      cause,
    });
  }
};

// An administrator's request is a form, never a document.
const FORM_LIMIT_BYTES = 65_536;

/** The JSON value of a small body. @throws as `readBody` and `parseJson` do */
export const readJson = async (request: IncomingMessage): Promise<unknown> =>
  parseJson(await readBody(request, FORM_LIMIT_BYTES));
