import { boundaryOf, parseForm } from '../../http/multipart.ts';
import type { BodyReader } from './body-reader.ts';

/** Reads multipart forms: the value is a promise of a `Form`. */
export const multipartBody: BodyReader = {
  is_json: false,
  checkType: (type) => void boundaryOf(type),
  value: (bytes, type) => parseForm(bytes, boundaryOf(type)),
};
