import assert from 'node:assert/strict';
import { picoFromUsd } from '../../src/core/money.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf, framesOf } from '../support/http.ts';

interface AiResponse {
  readonly id: string;
  readonly object: string;
  readonly provider: string;
  readonly model: string;
  readonly text?: string;
  readonly finish_reason?: string;
  readonly usage: { readonly completion_tokens: number };
  readonly cost: { readonly amount: string; readonly currency: string };
  readonly route: { readonly reason: string; readonly rule: string | null; readonly attempts: unknown[] };
}

describe('POST /v1/ai/completions', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const complete = async (body: object): Promise<AiResponse> => {
    const client_response = await gateway.ai(body);
    assert.equal(client_response.status, 200, client_response.text);
    return client_response.json as AiResponse;
  };

  it('answers a prompt with text, provider, model, usage, cost and route', async () => {
    const client_response = await gateway.ai({ prompt: 'Good morning' });
    const response = client_response.json as AiResponse;
    assert.equal(response.id, client_response.request_id);
    assert.equal(response.object, 'ai.completion');
    assert.equal(response.text, 'You wrote: Good morning');
    assert.equal(response.finish_reason, 'stop');
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(response.model, call.model);
    assert.equal(response.provider, call.provider);
    assert.equal(response.usage.completion_tokens, call.completion_tokens);
    assert.equal(picoFromUsd(response.cost.amount), BigInt(call.customer_cost!));
    assert.equal(response.cost.currency, 'USD');
    assert.equal(response.route.reason, call.route_reason);
    assert.equal(response.route.rule, call.routing_rule);
    assert.equal(response.route.attempts.length, 1);
    assert.equal(call.request_type, 'completion');
    assert.equal(call.priority, 'standard');
    assert.equal(call.model_requested, null);
  });

  it('accepts messages instead of a prompt', async () => {
    const { text } = await complete({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hello' },
      ],
    });
    assert.equal(text, 'You wrote: Hello');
  });

  it('sends a call to the cheapest model, by the rule that selects it', async () => {
    const { model, route } = await complete({ prompt: 'Hi' });
    assert.equal(model, 'gpt-5-nano');
    assert.equal(route.rule, 'cheapest');
    assert.equal(route.reason, 'rule: The cheapest model that fits');
  });

  it('sends a call to the provider that the rule for its type names, and there to the cheapest model', async () => {
    const { provider, model, route } = await complete({ prompt: 'Hi', type: 'medical_analysis' });
    assert.equal(provider, 'anthropic');
    assert.equal(model, 'claude-haiku-4-5');
    assert.equal(route.rule, 'medical-to-anthropic');
  });

  it('sends a call to the model that the client names', async () => {
    const { model, route } = await complete({ prompt: 'Hi', model: 'gpt-4.1' });
    assert.equal(model, 'gpt-4.1');
    assert.equal(route.reason, 'model named by the client');
  });

  it("sends a call to the customer's preferred provider if no rule names another", async () => {
    const { key } = await gateway.newCustomer({ slug: 'loyal', preferred_providers: ['anthropic'] });
    const client_response = await gateway.ai({ prompt: 'Hi' }, key);
    assert.equal((client_response.json as AiResponse).provider, 'anthropic');
  });

  it('records the priority, and the candidates with the maximum cost of each', async () => {
    const { request_id } = await gateway.ai({ prompt: 'Hi', priority: 'premium', max_tokens: 5 });
    const call = await gateway.recorded(request_id);
    assert.equal(call.priority, 'premium');
    const costs = call.route!.candidates.map(({ worst_cost }) => BigInt(worst_cost!));
    assert.ok(costs.length > 10);
    assert.deepEqual(
      costs,
      costs.toSorted((a, b) => (a < b ? -1 : Number(a > b))),
    );
  });

  it('omits models that can cost more than max_cost, and records the limit', async () => {
    const everything = await gateway.ai({ prompt: 'Hi', max_tokens: 100 });
    const { candidates } = (await gateway.recorded(everything.request_id)).route!;
    const third = BigInt(candidates[2]!.worst_cost!);
    // The field makes the body longer, and so raises the maximum cost of the prompt.
    const max_cost = '0.000100000000';
    const limited = await gateway.ai({ prompt: 'Hi', max_tokens: 100, max_cost });
    const route = (await gateway.recorded(limited.request_id)).route!;
    assert.equal(route.max_cost, String(picoFromUsd(max_cost)));
    assert.ok(third < picoFromUsd(max_cost));
    assert.ok(route.candidates.length >= 3 && route.candidates.length < candidates.length);
    assert.ok(route.candidates.every(({ worst_cost }) => BigInt(worst_cost!) <= picoFromUsd(max_cost)));
    assert.ok(picoFromUsd((limited.json as AiResponse).cost.amount) <= picoFromUsd(max_cost));
  });

  it('refuses a max_cost that every model may exceed', async () => {
    const seen = gateway.sandbox.requests_seen();
    const client_response = await gateway.ai({ prompt: 'Hi', max_cost: '0.000000001' });
    assert.equal(client_response.status, 402);
    assert.equal(errorOf(client_response).code, 'budget_exceeded');
    assert.equal(errorOf(client_response).param, 'max_cost');
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.response_status, 'REFUSED');
    assert.equal(gateway.sandbox.requests_seen(), seen);
  });

  it('accepts max_cost as a number too', async () => {
    assert.equal((await gateway.ai({ prompt: 'Hi', max_cost: 0.5 })).status, 200);
  });

  it('streams deltas and ends with the whole response without its text', async () => {
    for (const type of ['completion', 'medical_analysis']) {
      const client_response = await gateway.ai({ prompt: 'One two three', type, stream: true });
      assert.match(client_response.headers['content-type']!, /^text\/event-stream/);
      const frames = framesOf(client_response.text).map(
        (frame) => JSON.parse(frame) as AiResponse & { delta?: string },
      );
      const last = frames.pop()!;
      assert.equal(frames.map(({ delta }) => delta).join(''), 'You wrote: One two three');
      assert.equal(last.text, undefined);
      assert.equal(last.id, client_response.request_id);
      assert.equal(last.usage.completion_tokens, 5);
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(picoFromUsd(last.cost.amount), BigInt(call.customer_cost!));
      assert.equal(last.model, call.model);
      assert.equal(call.is_streamed, true);
    }
  });

  it('streams a response without any text as a stream too', async () => {
    const client_response = await gateway.ai({ prompt: '[[sandbox: tokens=0]]', stream: true });
    assert.match(client_response.headers['content-type']!, /^text\/event-stream/);
    assert.equal(framesOf(client_response.text).length, 1);
    assert.equal((await gateway.recorded(client_response.request_id)).response_status, 'SUCCESS');
  });

  it('ends a broken stream with the error', async () => {
    const prompt = '[[sandbox: tokens=40 cut_after=20 token_interval_ms=1]]';
    const client_response = await gateway.ai({ prompt, stream: true });
    const frames = framesOf(client_response.text).map((frame) => JSON.parse(frame) as { error?: { code: string } });
    assert.equal(frames.at(-1)?.error?.code, 'provider_disconnected');
  });

  it('sends a call to another provider when the first one fails, and records both attempts', async () => {
    for (const directive of ['status=503', 'status=429', 'garbage', 'cut_after=0', 'wrong_type']) {
      for (const stream of [false, true]) {
        const client_response = await gateway.ai({ prompt: `Hi [[sandbox: only=openai ${directive}]]`, stream });
        assert.equal(client_response.status, 200, client_response.text);
        const call = await gateway.recorded(client_response.request_id);
        assert.equal(call.response_status, 'SUCCESS');
        assert.equal(call.provider, 'google');
        assert.equal(call.model, 'gemini-2.5-flash-lite');
        assert.equal(call.model_used, 'gemini-2.5-flash-lite');
        assert.equal(call.error_code, null);
        const [first, second] = call.route!.attempts;
        assert.equal(first?.provider, 'openai');
        assert.ok(first?.error_code !== null);
        assert.equal(second?.provider, 'google');
        assert.equal(second?.error_code, null);
        assert.equal(call.route!.attempts.length, 2);
        assert.equal(call.rating, 'RATED');
      }
    }
  });

  it('tries no other provider for a request that the first one refuses as invalid', async () => {
    const client_response = await gateway.ai({ prompt: 'Hi [[sandbox: only=openai status=422]]' });
    assert.equal(client_response.status, 422);
    assert.equal((await gateway.recorded(client_response.request_id)).route!.attempts.length, 1);
  });

  it('fails with the last error when both providers fail', async () => {
    const client_response = await gateway.ai({ prompt: 'Hi [[sandbox: status=503]]' });
    assert.equal(client_response.status, 502);
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual(
      call.route!.attempts.map(({ provider, http_status }) => [provider, http_status]),
      [
        ['openai', 503],
        ['google', 503],
      ],
    );
    assert.equal(call.customer_cost, '0');
  });

  it('never fails over once the client has received a part of the response', async () => {
    const prompt = 'Hi [[sandbox: only=openai tokens=40 cut_after=20 token_interval_ms=1]]';
    const client_response = await gateway.ai({ prompt, stream: true });
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.error_code, 'provider_disconnected');
    assert.equal(call.route!.attempts.length, 1);
  });
});
