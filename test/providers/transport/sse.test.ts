import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SseEvent, SsePiece } from '../../../src/providers/contract.ts';
import { createSseParser } from '../../../src/providers/transport/sse.ts';

const LIMIT_BYTES = 1_000_000;

/** All pieces of a stream, in order. */
const read = (pieces: readonly Buffer[]): SsePiece[] => {
  const parser = createSseParser(LIMIT_BYTES);
  const read = pieces.flatMap((piece) => parser.push(piece));
  return [...read, ...parser.end()];
};

/** The events of a stream, without their original text. */
const parse = (pieces: readonly Buffer[]): SseEvent[] =>
  read(pieces).flatMap(({ raw: _raw, ...piece }) => (piece.data === null ? [] : [piece as SseEvent]));

/** The original text of all pieces of a stream. */
const textOf = (pieces: readonly Buffer[]): string =>
  read(pieces)
    .map(({ raw }) => raw)
    .join('');

const STREAM = [
  ': a comment\n\n',
  'data: {"text":"Größe ✓ 😀"}\n\n',
  'event: ping\ndata: {}\n\n',
  'data:no space\r\n\r\n',
  'data: first\ndata: second\ndata\n\n',
  'event: gone\n\n',
  'id: 7\nretry: 10\nunknown: x\rdata: lone returns\r\r',
  'data:\n\n',
  'data: [DONE]\n\n',
].join('');

const EVENTS: readonly SseEvent[] = [
  { event: '', data: '{"text":"Größe ✓ 😀"}' },
  { event: 'ping', data: '{}' },
  { event: '', data: 'no space' },
  { event: '', data: 'first\nsecond\n' },
  { event: '', data: 'lone returns' },
  { event: '', data: '' },
  { event: '', data: '[DONE]' },
];

describe('the parser of server-sent events', () => {
  it('reads the same events wherever the bytes are split in two', () => {
    const bytes = Buffer.from(STREAM);
    for (let at = 0; at <= bytes.length; at += 1) {
      assert.deepEqual(parse([bytes.subarray(0, at), bytes.subarray(at)]), EVENTS, `split at ${at}`);
    }
  });

  it('reads the same events byte by byte', () => {
    assert.deepEqual(parse([...Buffer.from(STREAM)].map((byte) => Buffer.of(byte))), EVENTS);
  });

  it('returns the original text byte for byte, with comments, ids and line ends', () => {
    const bytes = Buffer.from(STREAM);
    for (let at = 0; at <= bytes.length; at += 1) {
      assert.equal(textOf([bytes.subarray(0, at), bytes.subarray(at)]), STREAM, `split at ${at}`);
    }
    assert.equal(textOf([...bytes].map((byte) => Buffer.of(byte))), STREAM);
  });

  it('returns any stream unchanged, in whatever pieces it arrives', () => {
    const line = fc.oneof(
      fc.constantFrom('', '', 'data', 'data:', 'data: {"a":1}', 'event: ping', ': alive', ':', 'id: 7', 'retry: 1'),
      fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, '').toWellFormed()),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 20 }),
        fc.array(fc.nat(300), { maxLength: 20 }),
        (lines, cuts) => {
          const text = `${lines.map(([content, end]) => content + end).join('')}\n\n`;
          const bytes = Buffer.from(text);
          const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          const pieces = at.slice(1).map((to, index) => bytes.subarray(at[index], to));
          assert.equal(textOf(pieces), text);
          assert.deepEqual(parse(pieces), parse([bytes]));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('returns an event as soon as its blank line has arrived, and a comment as soon as its line has', () => {
    const parser = createSseParser(LIMIT_BYTES);
    assert.deepEqual(parser.push(Buffer.from(': alive\n')), [{ data: null, raw: ': alive\n' }]);
    assert.deepEqual(parser.push(Buffer.from('\ndata: 1\n')), [{ data: null, raw: '\n' }]);
    assert.deepEqual(parser.push(Buffer.from(': within\n')), []);
    assert.deepEqual(parser.push(Buffer.from('\n')), [{ event: '', data: '1', raw: 'data: 1\n: within\n\n' }]);
  });

  it('does not wait for a line feed if lines end with carriage returns only', () => {
    const parser = createSseParser(LIMIT_BYTES);
    assert.deepEqual(parser.push(Buffer.from('data: 1\r\r')), []);
    assert.deepEqual(
      parser.push(Buffer.from('data: 2\r\r')).map(({ data }) => data),
      ['1', '2'],
    );
    assert.deepEqual(
      parser.push(Buffer.from('data: 3\r\r')).map(({ data }) => data),
      ['3'],
    );
  });

  it('returns any written texts, in whatever pieces they arrive', () => {
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replace(/[\r\n]/g, ''));
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 8 }),
        fc.array(fc.nat(300), { maxLength: 20 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        (texts, cuts, end) => {
          const bytes = Buffer.from(texts.map((value) => `data: ${value}${end}${end}`).join(''));
          const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          const pieces = at.slice(1).map((to, index) => bytes.subarray(at[index], to));
          assert.deepEqual(
            parse(pieces).map(({ data }) => data),
            texts.map((value) => value.toWellFormed()),
          );
        },
      ),
    );
  });

  it('ignores a byte order mark', () => {
    assert.deepEqual(parse([Buffer.from('\ufeffdata: x\n\n')]), [{ event: '', data: 'x' }]);
  });

  it('accepts a last event without its blank line, but not an incomplete line', () => {
    assert.deepEqual(parse([Buffer.from('data: [DONE]\n')]), [{ event: '', data: '[DONE]' }]);
    assert.deepEqual(parse([Buffer.from('data: {"cut')]), []);
    assert.deepEqual(parse([Buffer.from('data: a\ndata: b')]), []);
  });

  it('refuses a line or an event beyond the limit, also if it arrives in small pieces', () => {
    const endless = createSseParser(1_000);
    assert.throws(
      () => {
        for (let byte = 0; byte < 2_000; byte += 1) endless.push(Buffer.from('x'));
      },
      { code: 'provider_malformed' },
    );
    const many = createSseParser(1_000);
    assert.throws(
      () => {
        for (let line = 0; line < 2_000; line += 1) many.push(Buffer.from('data: x\n'));
      },
      { code: 'provider_malformed' },
    );
  });
});
