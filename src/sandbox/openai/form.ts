import { Busboy } from '@fastify/busboy';
import { type Json, SandboxRefusal } from '../call.ts';

/** A file of a form. */
export interface SandboxFile {
  readonly file_name: string;
  readonly bytes: Buffer;
}

/** The fields of a form, files as `SandboxFile`. @param body one character for each byte @throws SandboxRefusal */
export const parseForm = (body: string): Promise<Json> =>
  new Promise((resolve, reject) => {
    const refuse = (): void => reject(new SandboxRefusal(400, 'Could not parse multipart form'));
    const [, boundary] = /^(?:\r\n)?--([^\r\n]{1,70})\r\n/.exec(body) ?? [];
    if (boundary === undefined) return refuse();
    const form: Json = {};
    const busboy = new Busboy({ headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` } });
    busboy
      .on('field', (name, value) => {
        form[name] = value;
      })
      .on('file', (name, stream, file_name) => {
        const chunks: Buffer[] = [];
        stream
          .on('error', refuse)
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            form[name] = { file_name, bytes: Buffer.concat(chunks) } satisfies SandboxFile;
          });
      })
      .on('error', refuse)
      .on('finish', () => resolve(form));
    busboy.end(Buffer.from(body, 'latin1'));
  });
