import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  closeCodeOf,
  createFrameReader,
  FrameFault,
  OPCODES,
  type Received,
} from '../../../../src/gateway/ai/realtime/frame-reader.ts';
import { writeClose, writeFrame } from '../../../../src/gateway/ai/realtime/frame-writer.ts';
import { createSideCounter } from '../../../../src/gateway/ai/realtime/traffic-counts.ts';

const LIMIT = 100_000;

const readAll = (pieces: readonly Buffer[], is_masked: boolean): Received[] => {
  const reader = createFrameReader({ is_masked, message_max_bytes: LIMIT });
  return pieces.flatMap((piece) => [...reader.push(piece)]);
};

const faultOf = (bytes: readonly number[], is_masked = false): number => {
  try {
    readAll([Buffer.from(bytes)], is_masked);
  } catch (fault) {
    assert.ok(fault instanceof FrameFault);
    return fault.close_code;
  }
  return assert.fail('it was read');
};

describe('frames', () => {
  const message = fc.record({
    opcode: fc.constantFrom(OPCODES.text, OPCODES.binary, OPCODES.ping, OPCODES.pong),
    // The lengths around which a frame's head grows.
    size: fc.oneof(fc.nat(130), fc.integer({ min: 65_530, max: 65_540 })),
  });

  it('are read as they were written, in whatever pieces they come, and kept byte by byte', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 50 }),
        fc.boolean(),
        (messages, sizes, is_masked) => {
          const written = messages.map(({ opcode, size }, index) => {
            const payload = Buffer.alloc(opcode >= OPCODES.ping ? size % 126 : size, 97 + index);
            return { opcode, payload, raw: writeFrame(opcode, payload, is_masked) };
          });
          const bytes = Buffer.concat(written.map(({ raw }) => raw));
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = sizes[turn % sizes.length]!;
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          const read = readAll(pieces, is_masked);
          assert.deepEqual(
            read.map(({ opcode, payload }) => ({ opcode, payload })),
            written.map(({ opcode, payload }) => ({ opcode, payload })),
          );
          assert.deepEqual(Buffer.concat(read.flatMap(({ raw }) => raw)), bytes);
        },
      ),
    );
  });

  it('of a message in fragments are joined, and control frames between them come first', () => {
    const read = readAll([Buffer.from([0x01, 1, 0x61, 0x89, 0, 0x00, 1, 0x62, 0x80, 1, 0x63])], false);
    assert.deepEqual(
      read.map(({ opcode, payload, raw }) => [opcode, payload.toString(), raw.length]),
      [
        [OPCODES.ping, '', 1],
        [OPCODES.text, 'abc', 3],
      ],
    );
  });

  it('that break the protocol are refused with the code that says how', () => {
    for (const [bytes, code, is_masked] of [
      [[0xc1, 0], 1002, false],
      [[0x81, 0], 1002, true],
      [[0x81, 0x80, 1, 2, 3, 4], 1002, false],
      [[0x83, 0], 1002, false],
      [[0x8b, 0], 1002, false],
      [[0x80, 0], 1002, false],
      [[0x01, 0, 0x81, 0], 1002, false],
      [[0x09, 0], 1002, false],
      [[0x89, 126, 0, 126], 1002, false],
      [[0x81, 1, 0xff], 1007, false],
      [[0x82, 127, 0, 0, 0, 0, 0, 1, 0x86, 0xa1], 1009, false],
      [[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1009, false],
    ] as const) {
      assert.equal(faultOf(bytes, is_masked), code, Buffer.from(bytes).toString('hex'));
    }
  });

  it('that no side would send are read or refused, and never break the reader otherwise', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), fc.boolean(), (pieces, is_masked) => {
        try {
          readAll(
            pieces.map((piece) => Buffer.from(piece)),
            is_masked,
          );
        } catch (fault) {
          assert.ok(fault instanceof FrameFault);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that come before a fault in the same piece are read', () => {
    const reader = createFrameReader({ is_masked: false, message_max_bytes: LIMIT });
    const frames = reader.push(Buffer.from([0x81, 1, 0x61, 0xff, 0xff]))[Symbol.iterator]();
    assert.equal((frames.next().value as Received).payload.toString(), 'a');
    assert.throws(() => frames.next(), FrameFault);
  });

  it('of a message are so many at most', () => {
    const empty = Buffer.concat([Buffer.from([0x01, 0]), Buffer.alloc(2 * 16_384)]);
    assert.equal(faultOf([...empty]), 1009);
  });

  it('that close say one of the codes that there are, or none', () => {
    const codeIn = (...payload: number[]): number =>
      closeCodeOf({ opcode: OPCODES.close, payload: Buffer.from(payload), raw: [] });
    assert.equal(codeIn(), 1005);
    assert.equal(codeIn(0x03, 0xe8), 1000);
    assert.equal(codeIn(0x13, 0x87, 0x61), 4999);
    for (const bad of [[3], [0x03, 0xed], [0x03, 0xee], [0x07, 0xd0], [0x13, 0x88], [0x03, 0xe8, 0xff]]) {
      assert.throws(() => codeIn(...bad), FrameFault, String(bad));
    }
    const [read] = readAll([writeClose(1008, 'ä'.repeat(100), false)], false);
    assert.equal(closeCodeOf(read!), 1008);
    assert.equal(read!.payload.subarray(2).toString(), 'ä'.repeat(61), 'no reason ends within a character');
  });
});

describe('the commitment to one side of a session', () => {
  it('tells where one message ends and the next begins, and text from bytes', () => {
    const salt = Buffer.alloc(16, 1);
    const of = (...messages: [1 | 2, string][]): string | null => {
      const counter = createSideCounter(salt);
      for (const [opcode, text] of messages) counter.add({ opcode, payload: Buffer.from(text), raw: [] });
      return counter.commitment();
    };
    assert.equal(of(), null);
    const all = [of([1, 'ab']), of([1, 'a'], [1, 'b']), of([2, 'ab']), of([1, 'ab'], [1, ''])];
    assert.equal(new Set(all).size, all.length);
    assert.equal(of([1, 'ab']), of([1, 'ab']));
  });
});
