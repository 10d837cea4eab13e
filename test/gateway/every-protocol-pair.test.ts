import assert from 'node:assert/strict';
import fc from 'fast-check';
import type OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5', 'gemini-2.5-flash'] as const;
const RUNS = 20;

// Providers count tokens in different ways, but all of them count words with a letter as words.
const word = fc.stringMatching(/^[A-Za-zäöü✓]{1,12}$/);
const prompt = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));

interface Outcome {
  readonly text: string;
  readonly tokens: readonly (number | undefined)[];
}

/** Endpoints and modes in which OpenAI's SDK can send a prompt. */
const REQUESTS: Readonly<Record<string, (client: OpenAI, model: string, text: string) => Promise<Outcome>>> = {
  'chat, whole': async (client, model, content) => {
    const client_response = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
    const { prompt_tokens, completion_tokens } = client_response.usage!;
    return { text: client_response.choices[0]!.message.content!, tokens: [prompt_tokens, completion_tokens] };
  },
  'chat, streamed': async (client, model, content) => {
    const stream = client.chat.completions.stream({
      model,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content }],
    });
    const client_response = await stream.finalChatCompletion();
    const { prompt_tokens, completion_tokens } = client_response.usage!;
    return { text: client_response.choices[0]!.message.content!, tokens: [prompt_tokens, completion_tokens] };
  },
  'responses, whole': async (client, model, input) => {
    const { output_text, usage } = await client.responses.create({ model, input });
    return { text: output_text, tokens: [usage?.input_tokens, usage?.output_tokens] };
  },
  'responses, streamed': async (client, model, input) => {
    const { output_text, usage } = await client.responses.stream({ model, input }).finalResponse();
    return { text: output_text, tokens: [usage?.input_tokens, usage?.output_tokens] };
  },
};

describe('the same prompt', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    it(`gets the same text and usage from ${model} by every endpoint, whole and streamed`, async () => {
      const client = gateway.openai();
      await fc.assert(
        fc.asyncProperty(prompt, async (text) => {
          const outcomes = await Promise.all(Object.values(REQUESTS).map((send) => send(client, model, text)));
          assert.equal(outcomes[0]!.text, `You wrote: ${text}`);
          for (const each of outcomes) assert.deepEqual(each, outcomes[0]);
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('has the same cost for one model by every endpoint', async () => {
    await gateway.drain();
    const rows = await gateway.database.sql<{ prices: number }[]>`
      select count(distinct customer_cost) as prices
      from gateway.api_request_s
      where rating = 'RATED'
      group by model_used, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens`;
    assert.ok(rows.length > MODELS.length);
    for (const { prices } of rows) assert.equal(prices, 1);
  });
});
