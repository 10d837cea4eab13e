import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { countUsage } from '../../../src/gateway/ai/token-count.ts';

const produced = async (text: string): Promise<number> =>
  (await countUsage({ model: 'm', messages: [] }, text)).completion_tokens;

const word = fc.stringMatching(/^[A-Za-zäöüß]{1,12}[,.]?$/);

describe('the count of tokens', () => {
  it('is that of the tokenizer for any text of words', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 200 }), async (words) => {
        const text = words.join(' ');
        assert.equal(await produced(text), countTokens(text));
      }),
    );
  });

  it('is near that of the tokenizer for any text at all, and never more than its bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 1_000 }), async (text) => {
        const counted = await produced(text);
        const exact = countTokens(text, { disallowedSpecial: new Set() });
        assert.ok(Math.abs(counted - exact) <= 3 * Math.ceil(text.length / 128), `${counted} ${exact}`);
        assert.ok(counted <= Buffer.byteLength(text));
      }),
    );
  });

  it('takes the names of special tokens as text like any other', async () => {
    assert.ok((await produced('a <|endoftext|> b')) > 3);
  });

  it('counts what a message costs besides its text', async () => {
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

  it('takes what is beyond any reply to be like the rest', async () => {
    const text = 'one two three four '.repeat(60_000);
    const [once, thrice] = [await produced(text), await produced(text.repeat(3))];
    assert.ok(Math.abs(thrice - 3 * once) < 10, `${once} ${thrice}`);
  });

  it('lets others work meanwhile, and does not grow with the square of a word', async () => {
    let turns = 0;
    const clock = setInterval(() => {
      turns += 1;
    }, 1);
    const started_ms = performance.now();
    assert.ok((await produced('漢'.repeat(1_000_000))) >= 1_000_000 / 2);
    clearInterval(clock);
    assert.ok(performance.now() - started_ms < 5_000);
    assert.ok(turns > 10);
  });
});
