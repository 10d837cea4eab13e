import { hash } from 'node:crypto';
import { OneVaultError } from '../../core/errors.ts';
import { decodeBody, parseText, readBody } from '../../http/body.ts';
import { nestsDeeply } from '../../providers/json.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

const TOO_DEEP = 'The JSON nests more than 500 levels deep. Nest it less deeply.';

/** Reads the whole body within the size limit, and parses the client's protocol. */
export const parseRequest =
  ({ body_limit_bytes }: GatewayDeps): Step =>
  async (call) => {
    const type = call.ctx.req.headers['content-type'];
    if (type !== undefined && !/^application\/(.+\+)?json\b/i.test(type)) {
      throw new OneVaultError('unsupported_media_type', { details: `The request's content type is ${type}.` });
    }
    call.body = await readBody(call.ctx.req, body_limit_bytes);
    if (call.body.length > 0) call.request_commitment = hash('sha256', Buffer.concat([call.request_salt, call.body]));
    call.text = decodeBody(call.body);
    const { req, query } = call.ctx;
    const params = call.ctx.params as Readonly<Record<string, string>>;
    const body = parseText(call.text);
    if (nestsDeeply(call.text)) throw new OneVaultError('invalid_request', { details: TOO_DEEP });
    call.parsed = call.protocol.read(body, { params, query, headers: req.headers });
  };
