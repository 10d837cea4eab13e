import { randomBytes } from 'node:crypto';
import { OPCODES, type Opcode } from './frame-reader.ts';

// RFC 6455, section 5.5: a control frame carries 125 bytes, and a close frame begins with its code.
const REASON_MAX_BYTES = 123;

/** One whole frame. @param is_masked as a client's frames are (RFC 6455, section 5.1) */
export const writeFrame = (opcode: Opcode, payload: Buffer, is_masked: boolean): Buffer => {
  const { length } = payload;
  const length_bytes = length > 0xffff ? 8 : length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + length_bytes);
  head[0] = 0x80 | opcode;
  head[1] = (is_masked ? 0x80 : 0) | (length_bytes === 8 ? 127 : length_bytes === 2 ? 126 : length);
  if (length_bytes === 2) head.writeUInt16BE(length, 2);
  if (length_bytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!is_masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const masked = payload.map((byte, place) => byte ^ mask[place & 3]!);
  return Buffer.concat([head, mask, masked]);
};

/** An event as a text message. */
export const writeEvent = (event: object, is_masked: boolean): Buffer =>
  writeFrame(OPCODES.text, Buffer.from(JSON.stringify(event)), is_masked);

/** @param code null for a close frame that says none @param reason is cut to what fits, never within a character */
export const writeClose = (code: number | null, reason: string, is_masked: boolean): Buffer => {
  if (code === null) return writeFrame(OPCODES.close, Buffer.alloc(0), is_masked);
  const payload = Buffer.alloc(2 + REASON_MAX_BYTES);
  payload.writeUInt16BE(code, 0);
  // Buffer.write stops before a character that does not fit whole.
  const written = payload.write(reason, 2);
  return writeFrame(OPCODES.close, payload.subarray(0, 2 + written), is_masked);
};
