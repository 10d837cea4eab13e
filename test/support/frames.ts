import { hash, randomBytes } from 'node:crypto';

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameForm {
  /** True for a client's frames (RFC 6455, section 5.1). */
  readonly is_masked?: boolean;
  /** False for all fragments of a message but its last. */
  readonly is_final?: boolean;
}

/** One frame (RFC 6455, section 5.2), created without the library that the tests check. */
export const frameOf = (
  opcode: number,
  payload: Buffer | string,
  { is_masked = false, is_final = true }: FrameForm = {},
): Buffer => {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const length_bytes = length > 0xffff ? 8 : length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + length_bytes);
  head[0] = (is_final ? 0x80 : 0) | opcode;
  head[1] = (is_masked ? 0x80 : 0) | (length_bytes === 8 ? 127 : length_bytes === 2 ? 126 : length);
  if (length_bytes === 2) head.writeUInt16BE(length, 2);
  if (length_bytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!is_masked) return Buffer.concat([head, bytes]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, bytes.map((byte, place) => byte ^ mask[place & 3]!)]);
};

/** The payload of a close frame. */
export const closePayload = (code: number, reason = ''): Buffer => {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
};

/** A server's response to a handshake (RFC 6455, section 4.2.2). @param request its head @param more further headers */
export const switchedTo = (request: string, ...more: readonly string[]): string => {
  const [, key = ''] = /^sec-websocket-key: *(\S+)/im.exec(request) ?? [];
  const accept = hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');
  const head = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: Upgrade'];
  return `${[...head, `sec-websocket-accept: ${accept}`, ...more].join('\r\n')}\r\n\r\n`;
};
