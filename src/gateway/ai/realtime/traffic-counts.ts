import { createHash } from 'node:crypto';
import type { SideTally } from '../../call.ts';
import type { Received } from './frame-reader.ts';

/** Counts what one side says, and commits to it. */
export interface SideCounter extends SideTally {
  add(message: Received): void;
}

const HEAD_BYTES = 9;

/**
 * The commitment is SHA-256 of the salt and, of each message in order, its opcode (one byte: 1 text, 2 binary), the
 * length of its payload (eight bytes, the most significant first) and its payload. Masks and fragments, which
 * applications never see, and control frames are not in it.
 */
export const createSideCounter = (salt: Buffer): SideCounter => {
  const hash = createHash('sha256').update(salt);
  let message_count = 0;
  let byte_count = 0;
  return {
    get message_count() {
      return message_count;
    },
    get byte_count() {
      return byte_count;
    },
    commitment: () => (message_count === 0 ? null : hash.copy().digest('hex')),
    add: ({ opcode, payload }) => {
      const head = Buffer.alloc(HEAD_BYTES);
      head[0] = opcode;
      head.writeBigUInt64BE(BigInt(payload.length), 1);
      hash.update(head).update(payload);
      message_count += 1;
      byte_count += payload.length;
    },
  };
};
