import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

/** Makes identifiers. */
export type NextId = () => string;

// Each id takes eight random bytes, so one system call serves 500 ids.
const POOL_BYTES = 4_000;

/**
 * Creates UUIDv7 (RFC 9562, section 5.7). The ids sort in the order of their creation, also within one millisecond
 * and after the clock steps back: a 12-bit counter follows the time (method 1).
 */
export const createIds = (clock: Clock): NextId => {
  let pool = Buffer.alloc(0);
  let offset = 0;
  let last_ms = 0;
  let counter = 0;
  return () => {
    if (offset + 8 > pool.length) {
      pool = randomBytes(POOL_BYTES);
      offset = 0;
    }
    const now_ms = clock.now();
    if (now_ms > last_ms) {
      last_ms = now_ms;
      counter = pool.readUInt16BE(offset) & 0x7ff;
    } else if (++counter > 0xfff) {
      last_ms += 1;
      counter = 0;
    }
    const time = last_ms.toString(16).padStart(12, '0');
    const random = pool.toString('hex', offset, offset + 8);
    offset += 8;
    const variant = (8 + (Number.parseInt(random[0]!, 16) & 3)).toString(16);
    const count = counter.toString(16).padStart(3, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${random.slice(1, 4)}-${random.slice(4)}`;
  };
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => UUID.test(text);
