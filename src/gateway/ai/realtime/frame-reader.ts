import { isUtf8 } from 'node:buffer';
import { createByteQueue } from './byte-queue.ts';

/** What one side of a WebSocket sent: a message with all of its frames, or a control frame. */
export interface Received {
  readonly opcode: Opcode;
  /** Unmasked; of a message, of all frames together. */
  readonly payload: Buffer;
  /** The frames as they came. */
  readonly raw: readonly Buffer[];
}

/** RFC 6455, section 5.2. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type Opcode = (typeof OPCODES)[Exclude<keyof typeof OPCODES, 'continuation'>];

/** Why a connection is closed: RFC 6455, section 7.4.1. */
export const CLOSE_CODES = {
  normal: 1000,
  going_away: 1001,
  protocol_error: 1002,
  no_code: 1005,
  cut: 1006,
  not_utf8: 1007,
  policy: 1008,
  too_big: 1009,
  internal_error: 1011,
  try_again: 1013,
} as const;

/** A side does not speak WebSocket as it must: `close_code` is what it is told. */
export class FrameFault extends Error {
  readonly close_code: number;

  constructor(close_code: number, message: string) {
    super(message);
    this.name = 'FrameFault';
    this.close_code = close_code;
  }
}

export interface FrameReader {
  /**
   * Takes bytes in whatever pieces; gives what they complete, one after another.
   * @throws FrameFault once all that came before the fault was given
   */
  push(bytes: Buffer): Iterable<Received>;
}

export interface FrameReaderOptions {
  /** What a client sends is masked, what a server sends is not (RFC 6455, section 5.1). */
  readonly is_masked: boolean;
  readonly message_max_bytes: number;
}

const CONTROL_MAX_BYTES = 125;
const MASK_BYTES = 4;
// Fragments may be empty: what is kept of each is then more than what came.
const FRAGMENTS_MAX = 16_384;

interface Head {
  readonly is_final: boolean;
  readonly opcode: number;
  readonly payload_bytes: number;
  readonly bytes: number;
}

interface Message {
  readonly opcode: Opcode;
  readonly payloads: Buffer[];
  readonly raw: Buffer[];
  bytes: number;
}

/** Reads the frames of one side, without extensions: none was agreed on. */
export const createFrameReader = ({ is_masked, message_max_bytes }: FrameReaderOptions): FrameReader => {
  const queue = createByteQueue();
  let head: Head | null = null;
  let message: Message | null = null;

  const readHead = (): Head | null => {
    if (queue.size < 2) return null;
    const [first, second] = [queue.at(0), queue.at(1)];
    if ((first & 0x70) !== 0) throw protocolFault('a frame uses an extension that was not agreed on');
    if (((second & 0x80) !== 0) !== is_masked)
      throw protocolFault(is_masked ? 'a frame is not masked' : 'a frame is masked');
    const short = second & 0x7f;
    const length_bytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const bytes = 2 + length_bytes + (is_masked ? MASK_BYTES : 0);
    if (queue.size < bytes) return null;
    let payload_bytes = length_bytes === 0 ? short : 0;
    for (let place = 0; place < length_bytes; place += 1) payload_bytes = payload_bytes * 256 + queue.at(2 + place);
    const read = { is_final: (first & 0x80) !== 0, opcode: first & 0x0f, payload_bytes, bytes };
    check(read);
    return read;
  };

  const check = ({ is_final, opcode, payload_bytes }: Head): void => {
    if (opcode >= OPCODES.close) {
      if (opcode > OPCODES.pong) throw protocolFault(`there is no frame of opcode ${opcode}`);
      if (!is_final || payload_bytes > CONTROL_MAX_BYTES) throw protocolFault('a control frame is too long');
      return;
    }
    if (opcode > OPCODES.binary) throw protocolFault(`there is no frame of opcode ${opcode}`);
    if ((opcode === OPCODES.continuation) !== (message !== null))
      throw protocolFault(message === null ? 'nothing is continued' : 'a message begins within another');
    if (message !== null && message.raw.length >= FRAGMENTS_MAX)
      throw new FrameFault(CLOSE_CODES.too_big, `a message is of more than ${FRAGMENTS_MAX} fragments`);
    if ((message?.bytes ?? 0) + payload_bytes > message_max_bytes)
      throw new FrameFault(CLOSE_CODES.too_big, `a message is larger than ${message_max_bytes} bytes`);
  };

  const readFrame = ({ is_final, opcode, payload_bytes, bytes }: Head): Received | null => {
    const raw = queue.take(bytes + payload_bytes);
    const masked = raw.subarray(bytes);
    const payload = is_masked ? unmasked(masked, raw.subarray(bytes - MASK_BYTES, bytes)) : masked;
    if (opcode >= OPCODES.close) return { opcode: opcode as Opcode, payload, raw: [raw] };
    message ??= { opcode: opcode as Opcode, payloads: [], raw: [], bytes: 0 };
    message.payloads.push(payload);
    message.raw.push(raw);
    message.bytes += payload_bytes;
    if (!is_final) return null;
    const { payloads, ...whole } = message;
    message = null;
    return received(whole, payloads);
  };

  const push = function* (bytes: Buffer): Generator<Received> {
    queue.push(bytes);
    for (;;) {
      head ??= readHead();
      if (head === null || queue.size < head.bytes + head.payload_bytes) return;
      const complete = readFrame(head);
      head = null;
      if (complete !== null) yield complete;
    }
  };
  return { push };
};

const received = ({ opcode, raw }: Omit<Message, 'payloads'>, payloads: readonly Buffer[]): Received => {
  const payload = payloads.length === 1 ? payloads[0]! : Buffer.concat(payloads);
  if (opcode === OPCODES.text && !isUtf8(payload))
    throw new FrameFault(CLOSE_CODES.not_utf8, 'a text message is not UTF-8');
  return { opcode, payload, raw };
};

const protocolFault = (message: string): FrameFault => new FrameFault(CLOSE_CODES.protocol_error, message);

const unmasked = (masked: Buffer, mask: Buffer): Buffer => {
  const payload = Buffer.allocUnsafe(masked.length);
  for (let place = 0; place < masked.length; place += 1) payload[place] = masked[place]! ^ mask[place & 3]!;
  return payload;
};

/** The code of a close frame; 1005 where it says none. @throws FrameFault where no endpoint may say it */
export const closeCodeOf = ({ payload }: Received): number => {
  if (payload.length === 0) return CLOSE_CODES.no_code;
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  const is_sayable = (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || code >= 3000;
  if (!is_sayable || code > 4999) throw protocolFault('a close frame says no code that there is');
  if (!isUtf8(payload.subarray(2)))
    throw new FrameFault(CLOSE_CODES.not_utf8, 'the reason of a close frame is not UTF-8');
  return code;
};
