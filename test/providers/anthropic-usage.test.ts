import assert from 'node:assert/strict';
import { unitsOf } from '../../src/pricing/units.ts';
import { usageOf } from '../../src/providers/anthropic/usage.ts';

describe("Anthropic's usage", () => {
  it('separates cache writes for one hour, which cost more, from those for five minutes', () => {
    const usage = usageOf({
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 70,
      cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 40 },
    });
    assert.equal(usage.prompt_tokens, 180);
    assert.deepEqual(unitsOf(usage), {
      request: 1,
      input: 10,
      cached_input: 100,
      cache_write: 30,
      long_cache_write: 40,
      output: 5,
    });
  });
});
