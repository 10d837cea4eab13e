import type { IncomingMessage } from 'node:http';
import { OneVaultError } from '../core/errors.ts';

/**
 * The complete body of a request.
 * @throws OneVaultError body_too_large beyond `limit_bytes`; client_closed_request when the client leaves;
 *   unsupported_media_type for a compressed body
 */
export const readBody = async (request: IncomingMessage, limit_bytes: number): Promise<Buffer> => {
  refuseEncoding(request, 'content-encoding', 'identity');
  refuseEncoding(request, 'transfer-encoding', 'chunked');
  const tooLarge = (): OneVaultError =>
    new OneVaultError('body_too_large', { details: `The limit is ${limit_bytes} bytes.` });
  if (Number(request.headers['content-length'] ?? 0) > limit_bytes) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (): void => {
      request.off('data', take).off('end', give).off('error', leave).off('close', leave);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit_bytes) return;
      end();
      // The rest is read and dropped, because the response needs the connection.
      request.resume();
      reject(tooLarge());
    };
    const give = (): void => {
      end();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    };
    const leave = (cause?: Error): void => {
      end();
      reject(new OneVaultError('client_closed_request', { cause }));
    };
    request.on('data', take).on('end', give).on('error', leave).on('close', leave);
    if (request.destroyed) leave();
  });
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

/** The text of a body. @throws OneVaultError malformed_json if it is empty or not UTF-8 */
export const decodeBody = (body: Buffer): string => {
  if (body.length === 0) throw new OneVaultError('malformed_json', { details: 'The body is empty.' });
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new OneVaultError('malformed_json', { details: 'The body is not UTF-8.', cause });
  }
};

/** The JSON value of a text. @throws OneVaultError malformed_json that names the fault and its place */
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
