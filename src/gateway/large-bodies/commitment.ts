import { createHash, hash } from 'node:crypto';

// For prompts of a usual size, one call of `hash` is faster. A large file is not copied for it.
const COPIED_MAX_BYTES = 65_536;

/** The commitment to a body, SHA-256(salt || body) in lower-case hex. */
export const commitmentOf = (salt: Uint8Array, body: Uint8Array): string =>
  body.length <= COPIED_MAX_BYTES
    ? hash('sha256', Buffer.concat([salt, body]))
    : createHash('sha256').update(salt).update(body).digest('hex');
