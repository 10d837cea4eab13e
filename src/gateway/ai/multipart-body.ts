import { boundaryOf, parseForm } from '../../http/multipart.ts';
import type { BodyReader } from './body-reader.ts';

/** Reads multipart forms: the value is a promise of a `Form`, and the content is the unchanged bytes. */
export const multipartBody: BodyReader = {
  checkType: (type) => void boundaryOf(type),
  content: (bytes) => bytes,
  value: (content, type) => parseForm(content as Uint8Array, boundaryOf(type)),
};
