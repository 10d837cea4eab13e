import { OneVaultError } from '../../core/errors.ts';

/** Reads the request bodies of an endpoint. */
export type BodyReader = JsonBodyReader | OtherBodyReader;

interface CheckedType {
  /**
   * Refuses a wrong content type before the body is read.
   * @throws OneVaultError unsupported_media_type
   */
  checkType(content_type: string | undefined): void;
}

/** JSON, which has one form for all endpoints. */
interface JsonBodyReader extends CheckedType {
  readonly is_json: true;
}

interface OtherBodyReader extends CheckedType {
  readonly is_json: false;
  /**
   * Promise of the parsed value for the protocol.
   * @throws OneVaultError invalid_request
   */
  value(bytes: Buffer, content_type: string | undefined): Promise<unknown>;
}

/** Limit of bodies without media: more than the 300,000 tokens that an embeddings request may have. */
export const TEXT_BODY_LIMIT_BYTES = 2 * 2 ** 20;

const JSON_TYPE = /^application\/(.+\+)?json\b/i;

/** Reads JSON. A body without a content type counts as JSON. */
export const jsonBody: BodyReader = {
  is_json: true,
  checkType: (type) => {
    if (type === undefined || JSON_TYPE.test(type)) return;
    const details = `The request's content type is ${type}. Send application/json.`;
    throw new OneVaultError('unsupported_media_type', { details });
  },
};
