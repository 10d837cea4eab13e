import { type Body, bodyText } from '../../core/body.ts';
import { OneVaultError } from '../../core/errors.ts';
import { decodeBody, parseText } from '../../http/body.ts';
import { nestsDeeply } from '../../providers/json.ts';

/** Reads the request bodies of an endpoint. */
export interface BodyReader {
  /**
   * Refuses a wrong content type before the body is read.
   * @throws OneVaultError unsupported_media_type
   */
  checkType(content_type: string | undefined): void;
  /**
   * Body for a provider that speaks the client's protocol.
   * @throws OneVaultError malformed_json
   */
  content(bytes: Buffer): Body;
  /**
   * Parsed value for the protocol, or a promise of it.
   * @param content the result of `content`
   * @throws OneVaultError malformed_json, invalid_request
   */
  value(content: Body, content_type: string | undefined): unknown;
}

/** Limit of bodies without media: more than the 300,000 tokens that an embeddings request may have. */
export const TEXT_BODY_LIMIT_BYTES = 2 * 2 ** 20;

const JSON_TYPE = /^application\/(.+\+)?json\b/i;
const TOO_DEEP = 'The JSON nests more than 500 levels deep. Nest it less deeply.';

/** Reads JSON. A body without a content type counts as JSON. */
export const jsonBody: BodyReader = {
  checkType: (type) => {
    if (type === undefined || JSON_TYPE.test(type)) return;
    const details = `The request's content type is ${type}. Send application/json.`;
    throw new OneVaultError('unsupported_media_type', { details });
  },
  content: decodeBody,
  value: (content) => {
    const text = bodyText(content);
    const value = parseText(text);
    if (nestsDeeply(text)) throw new OneVaultError('invalid_request', { details: TOO_DEEP });
    return value;
  },
};
