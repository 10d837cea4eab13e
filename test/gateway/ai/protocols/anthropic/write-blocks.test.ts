import assert from 'node:assert/strict';
import { createBlockWriter } from '../../../../../src/gateway/ai/protocols/anthropic/write-blocks.ts';

const LONG = `{"a":"${'x'.repeat(500_000)}}`;
const piece = (index: number, text: string, id?: string) => ({
  index,
  ...(id === undefined ? {} : { id }),
  function: { name: 'f', arguments: text },
});

describe("the writer of Anthropic's blocks, for tool calls that a provider interleaves,", () => {
  it('parses incomplete arguments once, however many pieces of other calls wait', () => {
    const blocks = createBlockWriter();
    const parsed = parsedSizes(() => {
      blocks.call(piece(0, LONG, 'a'));
      blocks.call(piece(1, 'x', 'b'));
      for (let count = 0; count < 10_000; count += 1) blocks.call(piece(1, 'x'));
    });
    assert.deepEqual(parsed, [LONG.length]);
    assert.match(blocks.call(piece(0, '"}')), /"id":"b"/);
  });

  it('gives up a stream whose arguments seem complete again and again', () => {
    const blocks = createBlockWriter();
    blocks.call(piece(0, LONG, 'a'));
    blocks.call(piece(1, 'x', 'b'));
    assert.throws(() => {
      for (let count = 0; count < 1_000; count += 1) blocks.call(piece(0, '}'));
    }, /interleaved without end|cannot be read/);
  });
});

/** Lengths of the texts that a function parses as JSON. */
const parsedSizes = (run: () => void): readonly number[] => {
  const parse = JSON.parse;
  const sizes: number[] = [];
  JSON.parse = (text: string, ...more) => {
    sizes.push(text.length);
    return parse(text, ...more) as unknown;
  };
  try {
    run();
  } finally {
    JSON.parse = parse;
  }
  return sizes;
};
