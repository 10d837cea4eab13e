import { Busboy } from '@fastify/busboy';
import { OneVaultError } from '../core/errors.ts';
import { type FormSegment, segmentsOf } from './form-segments.ts';

/** A form of type multipart/form-data (RFC 7578). */
export interface Form {
  /** Parts in the order of the body. */
  readonly parts: readonly FormPart[];
  /** The body with another text as the content of one part; every other byte stays. @throws OneVaultError invalid_request */
  withContent(part: FormPart, content: string): Uint8Array;
}

export interface FormPart extends FormSegment {
  readonly name: string;
  /** The content of a text part; '' of a file. */
  readonly text: string;
  /** Null for a text part. */
  readonly file_name: string | null;
}

// Text parts may contain files as base64: OpenAI takes references of speakers, 10 s of audio each.
const TEXT_MAX_BYTES = 2 ** 21;
const NAME_MAX_CHARS = 200;

/**
 * The parts of a complete form. Nothing is copied or written to disk.
 * @param boundary result of `boundaryOf`
 * @throws OneVaultError invalid_request with the name of the part, if it has one
 */
export const parseForm = async (bytes: Uint8Array, boundary: string): Promise<Form> => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments = segmentsOf(body, boundary);
  const read = await readParts(body, boundary);
  if (read.length !== segments.length) throw unreadable('A part of the form cannot be read.');
  const parts = segments.map((segment, index): FormPart => partOf(read[index]!, segment, body));
  return { parts, withContent: (part, content) => withContent(body, boundary, part, content) };
};

const MULTIPART = /^multipart\/form-data\b/i;
// The characters of RFC 2046, section 5.1.1. A form needs no other parameter than `boundary`.
const WITH_BOUNDARY =
  /^multipart\/form-data\s*;\s*(?:charset=[\w-]+\s*;\s*)?boundary=(?:"([\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?])"|([\w'+\-.]{1,70}))\s*(?:;\s*charset=[\w-]+\s*)?$/i;

/** The boundary in a content type. @throws OneVaultError unsupported_media_type, invalid_request */
export const boundaryOf = (content_type: string | undefined): string => {
  if (content_type === undefined || !MULTIPART.test(content_type)) {
    const found = content_type === undefined ? 'The request has no content type.' : `It was ${content_type}.`;
    throw new OneVaultError('unsupported_media_type', { details: `${found} Send multipart/form-data.` });
  }
  const [, quoted, plain] = WITH_BOUNDARY.exec(content_type) ?? [];
  const boundary = quoted ?? plain;
  if (boundary !== undefined) return boundary;
  throw new OneVaultError('invalid_request', {
    param: 'content-type',
    details: 'The content type has no valid boundary. Send multipart/form-data; boundary=<1 to 70 characters>.',
  });
};

type ReadPart = Pick<FormPart, 'name' | 'text' | 'file_name'> & { readonly byte_count: number };

const readParts = (body: Buffer, boundary: string): Promise<readonly ReadPart[]> =>
  new Promise((resolve, reject) => {
    const parts: ReadPart[] = [];
    const busboy = new Busboy({
      headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
      preservePath: true,
      isPartAFile: (_name, _type, file_name) => file_name !== undefined,
      limits: { fieldSize: TEXT_MAX_BYTES },
    });
    busboy
      .on('field', (name: string | undefined, text, _name_is_cut, is_cut) => {
        if (is_cut) reject(invalidPart(name ?? '', `is longer than ${TEXT_MAX_BYTES} bytes`));
        parts.push({ name: name ?? '', text, file_name: null, byte_count: Buffer.byteLength(text) });
      })
      .on('file', (name: string | undefined, stream, file_name) => {
        const place = parts.push({ name: name ?? '', text: '', file_name, byte_count: 0 }) - 1;
        stream.on('error', (cause) => reject(unreadable('The form cannot be read.', cause)));
        stream.on('end', () => {
          parts[place] = { ...parts[place]!, byte_count: stream.bytesRead };
        });
        stream.resume();
      })
      .on('error', (cause) => reject(unreadable('The form cannot be read.', cause)))
      .on('finish', () => resolve(parts));
    busboy.end(body);
  });

const partOf = (read: ReadPart, { start, end }: FormSegment, body: Buffer): FormPart => {
  const { name, text, file_name, byte_count } = read;
  if (name === '' || name.length > NAME_MAX_CHARS) {
    throw unreadable(`Each part of the form needs a name of 1 to ${NAME_MAX_CHARS} characters.`);
  }
  if (file_name !== null && /[/\\\0\r\n]/.test(file_name)) {
    throw invalidPart(name, 'has a path as its file name. Send the name of the file alone');
  }
  // The provider must read the same text, whatever character set a part declares.
  const is_same = file_name === null ? body.subarray(start, end).equals(Buffer.from(text)) : byte_count === end - start;
  if (!is_same) throw invalidPart(name, 'is no text in UTF-8. Send a file with a file name, and text as UTF-8');
  return { name, text, file_name, start, end };
};

const withContent = (
  body: Buffer,
  boundary: string,
  { name, text, start, end }: FormPart,
  content: string,
): Uint8Array => {
  if (content === text) return body;
  if (content.includes(boundary)) throw invalidPart(name, 'stands in the boundary of the form. Send another boundary');
  return Buffer.concat([body.subarray(0, start), Buffer.from(content), body.subarray(end)]);
};

const unreadable = (details: string, cause?: unknown): OneVaultError =>
  new OneVaultError('invalid_request', { details, cause });

const invalidPart = (name: string, what: string): OneVaultError =>
  new OneVaultError('invalid_request', { param: name, details: `${name} ${what}.` });
