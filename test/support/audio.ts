import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { TestGateway } from './gateway.ts';
import type { ClientResponse } from './http.ts';

/** A part of a form: text, or a file. */
export interface Part {
  readonly name: string;
  readonly content: string | Buffer;
  readonly file_name?: string;
  /** Further lines of its head. */
  readonly head?: readonly string[];
}

const BOUNDARY = 'a-boundary-of-a-test';

export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The body of a form. */
export const formOf = (parts: readonly Part[], boundary = BOUNDARY): Buffer =>
  Buffer.concat([
    ...parts.map(({ name, content, file_name, head = [] }) => {
      const file = file_name === undefined ? '' : `; filename="${file_name}"`;
      const lines = [`--${boundary}`, `Content-Disposition: form-data; name="${name}"${file}`, ...head, '', ''];
      return Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from(content), Buffer.from('\r\n')]);
    }),
    Buffer.from(`--${boundary}--\r\n`),
  ]);

/** Bytes that are not text, with line ends and dashes like those of a boundary. */
export const SOUND = Buffer.concat([
  Buffer.from('RIFF\r\n--not-the-boundary\r\n\r\n'),
  Buffer.from(Array.from({ length: 9_000 }, (_, index) => (index * 31) % 256)),
]);

export const FILE: Part = { name: 'file', content: SOUND, file_name: 'a.wav', head: ['Content-Type: audio/wav'] };

interface FormCall {
  readonly body: Buffer;
  readonly content_type?: string;
  readonly api_key?: string;
}

/** Sends a form to the transcription endpoint. */
export const transcribe = (
  gateway: TestGateway,
  { body, content_type = FORM_TYPE, api_key = gateway.keys.api_key }: FormCall,
): Promise<ClientResponse> =>
  gateway.send({
    method: 'POST',
    path: '/v1/audio/transcriptions',
    headers: { authorization: `Bearer ${api_key}`, 'content-type': content_type },
    body,
  });

/** Checks the commitments of a call against these bytes, with the salts that its client got. */
export const assertCommitted = async (
  gateway: TestGateway,
  { receipt, request_id }: { readonly receipt: unknown; readonly request_id: string },
  { sent, received }: { readonly sent: Buffer; readonly received: Buffer },
): Promise<void> => {
  const [version, request_salt, response_salt] = String(receipt).split('.');
  assert.equal(version, 'v1');
  const commit = (salt: string, body: Buffer): string =>
    hash('sha256', Buffer.concat([Buffer.from(salt, 'hex'), body]));
  const call = await gateway.recorded(request_id);
  assert.equal(call.request_commitment, commit(request_salt!, sent));
  assert.equal(call.response_commitment, commit(response_salt!, received));
  assert.deepEqual([call.request_bytes, call.response_bytes], [sent.length, received.length]);
};
