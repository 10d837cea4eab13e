import { OneVaultError } from '../../core/errors.ts';
import { decodeBody, parseText, readBody } from '../../http/body.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

/** Reads the body, whole and within the limit, and what the client asks for in its protocol. */
export const readAsk =
  ({ body_limit_bytes }: GatewayDeps): Step =>
  async (call) => {
    const type = call.ctx.req.headers['content-type'];
    if (type !== undefined && !/^application\/(.+\+)?json\b/i.test(type)) {
      throw new OneVaultError('unsupported_media_type', { details: `It was ${type}.` });
    }
    call.body = await readBody(call.ctx.req, body_limit_bytes);
    call.text = decodeBody(call.body);
    const { req, query } = call.ctx;
    const params = call.ctx.params as Readonly<Record<string, string>>;
    call.ask = call.protocol.read(parseText(call.text), { params, query, headers: req.headers });
  };
