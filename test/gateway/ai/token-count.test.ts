import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { countUsage } from '../../../src/gateway/ai/token-count.ts';

const produced = async (text: string): Promise<number> =>
  (await countUsage({ model: 'm', messages: [] }, text)).completion_tokens;

const word = fc.stringMatching(/^[A-Za-zäöüß]{1,12}[,.]?$/);

describe('the token counter', () => {
  it('counts the same as the tokenizer for any text of words', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 200 }), async (words) => {
        const text = words.join(' ');
        assert.equal(await produced(text), countTokens(text));
      }),
    );
  });

  it('counts about the same as the tokenizer for any text, and never more tokens than bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 1_000 }), async (text) => {
        const counted = await produced(text);
        const exact = countTokens(text, { disallowedSpecial: new Set() });
        assert.ok(Math.abs(counted - exact) <= 3 * Math.ceil(text.length / 128), `${counted} ${exact}`);
        assert.ok(counted <= Buffer.byteLength(text));
      }),
    );
  });

  it('counts the names of special tokens as ordinary text', async () => {
    assert.ok((await produced('a <|endoftext|> b')) > 3);
  });

  it('adds the tokens of each message besides its text', async () => {
    const { prompt_tokens, total_tokens } = await countUsage(
      {
        model: 'm',
        messages: [
          { role: 'system', content: 'hello' },
          { role: 'user', content: [{ type: 'text', text: 'hello' }, { type: 'image_url' }] },
          { role: 'assistant', content: null },
        ],
      },
      'hello',
    );
    assert.equal(prompt_tokens, 3 + 3 * (3 + 1) + 2);
    assert.equal(total_tokens, prompt_tokens + 1);
  });

  it('estimates a very long text by the density of its first part', async () => {
    const text = 'one two three four '.repeat(60_000);
    const [once, thrice] = [await produced(text), await produced(text.repeat(3))];
    assert.ok(Math.abs(thrice - 3 * once) < 10, `${once} ${thrice}`);
  });

  it('cuts a long word into small pieces and yields to other calls between them', async () => {
    let turns = 0;
    let is_counting = true;
    const takeTurn = (): void => {
      turns += 1;
      if (is_counting) setImmediate(takeTurn);
    };
    setImmediate(takeTurn);
    assert.ok((await produced('漢'.repeat(1_000_000))) >= 1_000_000 / 2);
    is_counting = false;
    // 524,288 counted characters in pieces of 128, with a turn for others after 64 pieces. The time of one piece grows
    // with its square: 100,000 characters at once took 47 s.
    assert.ok(turns >= 524_288 / (128 * 64), `${turns} turns`);
  });
});
