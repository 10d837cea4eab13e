import { createHash, hash } from 'node:crypto';
import { readBody } from '../../http/body.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

/** Reads the whole body within the size limit, and parses the client's protocol. */
export const parseRequest =
  ({ body_limit_bytes }: GatewayDeps): Step =>
  async (call) => {
    const { body_reader, body_limit_bytes: own_limit_bytes = body_limit_bytes } = call.protocol;
    const type = call.ctx.req.headers['content-type'];
    body_reader.checkType(type);
    call.body = await readBody(call.ctx.req, Math.min(own_limit_bytes, body_limit_bytes));
    if (call.body.length > 0) call.request_commitment = commitmentOf(call.request_salt, call.body);
    call.content = body_reader.content(call.body);
    const { req, query } = call.ctx;
    const params = call.ctx.params as Readonly<Record<string, string>>;
    const value = body_reader.value(call.content, type);
    const body = value instanceof Promise ? ((await value) as unknown) : value;
    call.parsed = call.protocol.read(body, { params, query, headers: req.headers });
  };

// For prompts of a usual size, one call of `hash` is faster. A large file is not copied for it.
const COPIED_MAX_BYTES = 65_536;

const commitmentOf = (salt: Buffer, body: Buffer): string =>
  body.length <= COPIED_MAX_BYTES
    ? hash('sha256', Buffer.concat([salt, body]))
    : createHash('sha256').update(salt).update(body).digest('hex');
