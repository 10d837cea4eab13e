import type { Middleware } from 'koa';
import { OneVaultError } from '../core/errors.ts';

// Node keeps the first of them, other servers the last: a proxy may have checked another one than this server reads.
const SINGLE: ReadonlySet<string> = new Set(['host', 'authorization', 'x-api-key', 'x-goog-api-key']);

/**
 * Refuses a request with a repeated header that decides who calls, or which server is meant (RFC 9112, section 3.2;
 * RFC 9110, section 5.3).
 * @throws OneVaultError invalid_request
 */
export const singleHeaders: Middleware = (ctx, next) => {
  const { rawHeaders } = ctx.req;
  let seen = '';
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.includes(`${name},`)) {
      const details = `The header ${name} appears twice. Send it once.`;
      throw new OneVaultError('invalid_request', { param: `header.${name}`, details });
    }
    seen += `${name},`;
  }
  return next();
};
