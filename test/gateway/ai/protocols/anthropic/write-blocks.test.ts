import assert from 'node:assert/strict';
import { createBlockWriter } from '../../../../../src/gateway/ai/protocols/anthropic/write-blocks.ts';

const LONG = `{"a":"${'x'.repeat(500_000)}}`;
const piece = (index: number, text: string, id?: string) => ({
  index,
  ...(id === undefined ? {} : { id }),
  function: { name: 'f', arguments: text },
});

describe("Anthropic's blocks, of calls that a provider mixes", () => {
  it('cost no more time for arguments that only seem whole, however many pieces wait', () => {
    const blocks = createBlockWriter();
    const started_ms = performance.now();
    blocks.call(piece(0, LONG, 'a'));
    blocks.call(piece(1, 'x', 'b'));
    for (let count = 0; count < 10_000; count += 1) blocks.call(piece(1, 'x'));
    assert.ok(performance.now() - started_ms < 2_000);
    assert.match(blocks.call(piece(0, '"}')), /"id":"b"/);
  });

  it('are given up where arguments seem whole again and again', () => {
    const blocks = createBlockWriter();
    blocks.call(piece(0, LONG, 'a'));
    blocks.call(piece(1, 'x', 'b'));
    assert.throws(() => {
      for (let count = 0; count < 1_000; count += 1) blocks.call(piece(0, '}'));
    }, /mixed to no end|cannot be read/);
  });
});
