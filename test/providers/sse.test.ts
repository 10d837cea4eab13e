import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SseEvent } from '../../src/providers/contract.ts';
import { createSseParser } from '../../src/providers/sse.ts';

const parse = (pieces: readonly Buffer[]): SseEvent[] => {
  const parser = createSseParser();
  const events = pieces.flatMap((piece) => parser.push(piece));
  return [...events, ...parser.end()];
};

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

  it('gives back any texts that were written, in whatever pieces they come', () => {
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

  it('passes over a byte order mark', () => {
    assert.deepEqual(parse([Buffer.from('\ufeffdata: x\n\n')]), [{ event: '', data: 'x' }]);
  });

  it('takes a last event without its blank line, but not half a line', () => {
    assert.deepEqual(parse([Buffer.from('data: [DONE]\n')]), [{ event: '', data: '[DONE]' }]);
    assert.deepEqual(parse([Buffer.from('data: {"cut')]), []);
    assert.deepEqual(parse([Buffer.from('data: a\ndata: b')]), []);
  });

  it('refuses a line or an event past the limit, also when it drips in', () => {
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
