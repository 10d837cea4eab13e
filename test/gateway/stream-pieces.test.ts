import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { StreamEncoder } from '../../src/gateway/ai/operation.ts';
import { passThrough } from '../../src/gateway/ai/passthrough.ts';
import { createClientProtocols } from '../../src/gateway/ai/protocols/client-protocols.ts';
import { NOTHING_USED } from '../../src/pricing/rating.ts';
import { createSseParser } from '../../src/providers/transport/sse.ts';
import { createUnsupportedFields } from '../../src/providers/unsupported-fields.ts';
import { adapters, upstreamAt } from '../providers/support.ts';
import { PROTOCOL_PAIRS, type ProtocolPair } from '../support/protocols.ts';

const WORDS = ['Größe ', '漢字 ', '👩‍👩‍👧 ', '\u2028', '"\\n" ', 'end'];
const PROTOCOLS = createClientProtocols();

/** Frames that a client gets for one pair of protocols, for a stream in these pieces, and the usage. */
const through = (pair: ProtocolPair, pieces: readonly Buffer[]): { text: string; usage: unknown } => {
  const frames = open(pair);
  const parser = createSseParser(1_000_000);
  let text = '';
  for (const piece of [...pieces.flatMap((bytes) => parser.push(bytes)), ...parser.end()]) {
    if (!frames.is_over) text += frames.push(piece);
  }
  frames.end();
  const ending = { request_id: 'r', received_ms: 0, chosen: null, route: null, attempts: [] };
  return { text: text + frames.last({ ...ending, usage: frames.usage }, NOTHING_USED), usage: frames.usage };
};

const open = ({ client, provider, is_passthrough }: ProtocolPair): StreamEncoder => {
  const protocol = PROTOCOLS.find(({ endpoint }) => endpoint === client.endpoint)!;
  const body = client.request(provider.model, 'Hi', true);
  const parsed = protocol.read(body, { params: { model: provider.model }, query: { alt: 'sse' }, headers: {} });
  const { name } = provider;
  const target = { model: provider.model, stream: true, upstream: upstreamAt('http://localhost', name) };
  const [adapter, unsupported] = [adapters[name], createUnsupportedFields(false)];
  const exchange = is_passthrough
    ? passThrough(adapter.passthroughs[protocol.protocol_name!]!, {
        parsed,
        content: JSON.stringify(body),
        headers: {},
        target,
        unsupported,
      })
    : parsed.operation.translate(adapter, target, unsupported)!;
  return exchange.stream();
};

describe('a stream in pieces', () => {
  for (const pair of PROTOCOL_PAIRS) {
    const { client, provider } = pair;
    const frames = provider.frames(WORDS);

    it(`is the same to the last byte wherever it is split: ${pair.name}`, () => {
      for (const end of ['\n', '\r\n']) {
        const bytes = Buffer.from(frames.join(': a comment\n').replaceAll(/\r?\n/g, end));
        const whole = through(pair, [bytes]);
        assert.equal(client.wordsOf(whole.text.replaceAll('\r\n', '\n')).join(''), WORDS.join(''));
        for (let at = 1; at < bytes.length; at += 1) {
          const split = through(pair, [bytes.subarray(0, at), bytes.subarray(at)]);
          assert.deepEqual(split, whole, `split at ${at}`);
        }
        assert.deepEqual(
          through(
            pair,
            [...bytes].map((byte) => Buffer.of(byte)),
          ),
          whole,
        );
      }
    });

    it(`keeps any words unchanged, in whatever pieces they come: ${pair.name}`, () => {
      const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 6 });
      fc.assert(
        fc.property(words, fc.array(fc.nat(2_000), { maxLength: 30 }), (given, cuts) => {
          const bytes = Buffer.from(provider.frames(given).join(''));
          const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          const pieces = at.slice(1).map((to, index) => bytes.subarray(at[index], to));
          const whole = through(pair, [bytes]);
          assert.deepEqual(through(pair, pieces), whole);
          assert.equal(client.wordsOf(whole.text).join(''), given.join('').toWellFormed());
        }),
      );
    });
  }
});
