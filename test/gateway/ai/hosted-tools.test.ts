import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ClientResponse, errorOf, type VaultCall } from '../../support/http.ts';
import { giveKey } from '../../support/provider-keys.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../../support/upstream.ts';

const MILLI_DOLLAR = 1_000_000_000n;

interface Facts {
  readonly units: Readonly<Record<string, number>>;
  readonly unpriced?: Readonly<Record<string, number | null>>;
}

const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-4.1',
  usage: { input_tokens: 100, output_tokens: 20, total_tokens: 120 },
};
const SEARCH = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } };
const OPENED = { ...SEARCH, action: { type: 'open_page', url: 'https://example.com' } };
const MESSAGE = { type: 'message', content: [{ type: 'output_text', text: 'Found.', annotations: [] }] };

const CLAUDE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  stop_reason: 'end_turn',
  content: [{ type: 'text', text: 'Found.' }],
};

describe('hosted tools', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  let careful: string;
  let careless: string;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({
      base_urls: { openai: `${upstream.url}/v1`, anthropic: upstream.url, google: upstream.url },
    });
    careful = (await gateway.newCustomer({ slug: 'careful', unpriced_policy: 'refuse' })).key;
    careless = (await gateway.newCustomer({ slug: 'careless', unpriced_policy: 'allow' })).key;
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const respondWith = (json: object): void => upstream.script((response) => sendJson(response, JSON.stringify(json)));
  const stream = (events: readonly object[]): void =>
    upstream.script((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        events
          .map((event) => `event: ${(event as { type?: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
          .join(''),
      );
    });
  const respond = (fields: object, key = careful): Promise<ClientResponse> =>
    gateway.post('/v1/responses', { model: 'gpt-4.1', input: 'Hi', max_output_tokens: 1_000, ...fields }, key);
  const message = (fields: object, key = careful): Promise<ClientResponse> => {
    const messages = [{ role: 'user', content: 'Hi' }];
    return gateway.post('/v1/messages', { model: 'claude-haiku-4-5', max_tokens: 1_000, messages, ...fields }, key);
  };
  const generate = (tools: readonly object[], key = careful): Promise<ClientResponse> => {
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];
    return gateway.post('/v1beta/models/gemini-2.5-flash:generateContent', { contents, tools }, key);
  };
  const ok = async (sent: Promise<ClientResponse>): Promise<VaultCall> => {
    const client_response = await sent;
    assert.equal(client_response.status, 200, client_response.text);
    return gateway.recorded(client_response.request_id);
  };
  const factsOf = ({ route }: VaultCall): Facts => (route!.attempts.at(-1) as unknown as { rating: Facts }).rating;
  /** Difference of provider cost to the same call without its tools. */
  const feeOf = (call: VaultCall, plain: VaultCall): bigint =>
    BigInt(call.provider_cost!) - BigInt(plain.provider_cost!);

  it('are charged by each use that the response reports, at the list price', async () => {
    respondWith({ ...RESPONSE, output: [MESSAGE] });
    const plain = await ok(respond({}));
    respondWith({ ...RESPONSE, output: [SEARCH, OPENED, SEARCH, { type: 'file_search_call' }, MESSAGE] });
    const call = await ok(respond({ tools: [{ type: 'web_search' }, { type: 'file_search' }] }));
    assert.equal(feeOf(call, plain), 2n * 10n * MILLI_DOLLAR + (25n * MILLI_DOLLAR) / 10n);
    assert.equal(factsOf(call).units.web_search, 2);
    assert.equal(factsOf(call).units.file_search, 1);
    assert.equal(factsOf(call).unpriced, undefined);
  });

  it('are charged for Anthropic in the same way, whole and streamed', async () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 5 }];
    const usage = { input_tokens: 100, output_tokens: 20 };
    const used = { ...usage, server_tool_use: { web_search_requests: 3, web_fetch_requests: 7 } };
    respondWith({ ...CLAUDE, usage });
    const plain = await ok(message({ tools }));
    assert.equal(factsOf(plain).units.web_search, undefined);
    respondWith({ ...CLAUDE, usage: used });
    assert.equal(feeOf(await ok(message({ tools })), plain), 3n * 10n * MILLI_DOLLAR);
    stream([
      { type: 'message_start', message: { ...CLAUDE, content: [], usage: { ...usage, output_tokens: 1 } } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: used },
      { type: 'message_stop' },
    ]);
    assert.equal(feeOf(await ok(message({ tools, stream: true })), plain), 3n * 10n * MILLI_DOLLAR);
  });

  it('are charged also if the stream breaks after their use', async () => {
    stream([
      { type: 'response.created', sequence_number: 0, response: { ...RESPONSE, output: [] } },
      { type: 'response.output_item.done', sequence_number: 1, item: SEARCH },
      { type: 'response.output_item.done', sequence_number: 2, item: SEARCH },
    ]);
    const broken = await respond({ tools: [{ type: 'web_search' }], stream: true });
    const call = await gateway.recorded(broken.request_id);
    assert.equal(call.response_status, 'ERROR');
    assert.equal(factsOf(call).units.web_search, 2);
    assert.ok(BigInt(call.provider_cost!) > 20n * MILLI_DOLLAR);
    stream([
      {
        type: 'message_start',
        message: { ...CLAUDE, content: [], usage: { input_tokens: 9, output_tokens: 1 } },
      },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } },
      },
    ]);
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    const cut = await message({ tools, stream: true });
    assert.equal(factsOf(await gateway.recorded(cut.request_id)).units.web_search, 1);
  });

  it('are refused by their field if they have no price, unless the customer allows unpriced calls', async () => {
    respondWith({ ...RESPONSE, output: [{ type: 'image_generation_call' }, MESSAGE] });
    upstream.received.length = 0;
    const tools = [{ type: 'function', name: 'f', parameters: {} }, { type: 'image_generation' }];
    const refused = await respond({ tools });
    assert.equal(refused.status, 422, refused.text);
    assert.deepEqual([errorOf(refused).code, errorOf(refused).param], ['unpriced_model', 'tools[1].type']);
    const call = await gateway.recorded(refused.request_id);
    assert.deepEqual([call.response_status, upstream.received.length], ['REFUSED', 0]);
    const allowed = await ok(respond({ tools }, careless));
    assert.equal(allowed.rating, 'RATED');
    assert.deepEqual(factsOf(allowed).unpriced, { image_generation: 1 });
    for (const [fields, param] of [
      [{ tools: [{ type: 'dream_2030' }] }, 'tools[0].type'],
      [{ tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }, 'tools[0].type'],
      [{ prompt: { id: 'pmpt_1' }, model: 'gpt-4.1-nano' }, 'prompt'],
    ] as const) {
      const client_response = await respond(fields);
      assert.deepEqual([client_response.status, errorOf(client_response).param], [422, param], client_response.text);
    }
  });

  it('are named in the record if the provider does not report their uses', async () => {
    respondWith({ ...CLAUDE, usage: { input_tokens: 100, output_tokens: 20 } });
    const tools = [{ type: 'code_execution_20250825', name: 'code_execution' }];
    const refused = await message({ tools });
    assert.deepEqual([refused.status, errorOf(refused).param], [422, 'tools[0].type'], refused.text);
    assert.deepEqual(factsOf(await ok(message({ tools }, careless))).unpriced, { code_execution: null });
    const named = [{ type: `x\u0000${'y'.repeat(300)}`, name: 'x' }];
    assert.deepEqual(factsOf(await ok(message({ tools: named }, careless))).unpriced, { unknown: null });
  });

  it('are not confused with properties that every object has', async () => {
    respondWith({ ...RESPONSE, output: [MESSAGE] });
    const call = await ok(respond({ tools: [{ type: 'constructor' }] }, careless));
    assert.deepEqual(factsOf(call).unpriced, { constructor: null });
  });

  it('are refused like options that multiply all prices', async () => {
    respondWith({ ...CLAUDE, usage: { input_tokens: 100, output_tokens: 20 } });
    for (const [fields, param] of [
      [{ speed: 'fast' }, 'speed'],
      [{ inference_geo: 'us' }, 'inference_geo'],
    ] as const) {
      const refused = await message(fields);
      assert.deepEqual([refused.status, errorOf(refused).param], [422, param], refused.text);
      assert.deepEqual(factsOf(await ok(message(fields, careless))).unpriced, { [param]: null });
    }
    await ok(message({ speed: 'standard', inference_geo: 'global' }));
    await ok(message({ speed: null, inference_geo: null }));
  });

  it('cost nothing besides their tokens if the provider does not charge for them', async () => {
    respondWith({ ...CLAUDE, usage: { input_tokens: 100, output_tokens: 20 } });
    const free = ['bash_20250124', 'web_fetch_20250910', 'text_editor_20250728', 'tool_search_tool_regex'];
    const call = await ok(message({ tools: free.map((type) => ({ type, name: 'x' })) }));
    assert.equal(factsOf(call).unpriced, undefined);
    respondWith({ ...RESPONSE, output: [{ type: 'mcp_call' }, { type: 'computer_call' }, MESSAGE] });
    const tools = [{ type: 'mcp', server_label: 'x', server_url: 'https://x' }, { type: 'computer' }];
    assert.equal(factsOf(await ok(respond({ tools }))).unpriced, undefined);
  });

  it('are charged at a price that an administrator sets', async () => {
    const refused = await generate([{ google_search: {} }]);
    assert.equal(refused.status, 422);
    assert.match(refused.text, /UNPRICED_MODEL.*tools\[0\]\.googleSearch/);
    const priced = await gateway.deploy({
      provider: 'google',
      model: 'gemini-2.5-flash',
      input_price: '0.3',
      output_price: '2.5',
      web_search_price: 35,
      maps_search_price: '25',
    });
    assert.equal(priced.status, 200, priced.text);
    const candidate = (groundingMetadata: object) => ({
      content: { role: 'model', parts: [{ text: 'Found.' }] },
      finishReason: 'STOP',
      groundingMetadata,
    });
    const client_response = (modelVersion: string, metadata: object) => ({
      candidates: [candidate(metadata)],
      modelVersion,
      usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 },
    });
    const queries = { webSearchQueries: ['a', 'b', 'c'], groundingChunks: [{ web: {} }] };
    respondWith(client_response('gemini-2.5-flash', {}));
    const plain = await ok(generate([{ google_search: {} }]));
    respondWith(client_response('gemini-2.5-flash', queries));
    assert.equal(feeOf(await ok(generate([{ googleSearch: {} }])), plain), 35n * MILLI_DOLLAR);
    respondWith(client_response('gemini-3-pro', queries));
    assert.equal(feeOf(await ok(generate([{ googleSearch: {} }])), plain), 3n * 35n * MILLI_DOLLAR);
    respondWith(client_response('gemini-2.5-flash', { groundingChunks: [{ maps: { title: 'x' } }] }));
    assert.equal(feeOf(await ok(generate([{ google_maps: {} }])), plain), 25n * MILLI_DOLLAR);
    const unknown = await generate([{ urlContext: {}, codeExecution: {} }, { palmReading: {} }]);
    assert.equal(unknown.status, 422);
    assert.match(unknown.text, /tools\[1\]\.palmReading/);
  });

  it('are part of the reservation: a budget for the tokens alone admits no search', async () => {
    const { key } = await gateway.newCustomer({ slug: 'small', cost_budget_daily: '2.2' });
    respondWith({ ...RESPONSE, output: [SEARCH, MESSAGE] });
    const tools = [{ type: 'web_search' }];
    // Search results may fill the context window, for 2.01 USD; 1,000 tokens have room for 63 searches, 0.63 USD.
    const refused = await respond({ tools }, key);
    assert.deepEqual([refused.status, errorOf(refused).code], [402, 'budget_exceeded'], refused.text);
    await ok(respond({ tools, max_tool_calls: 2 }, key));
    await ok(respond({ tools, max_output_tokens: 16 }, key));
    await ok(respond({}, key));
    for (const max_tool_calls of [1.5, -1, 1e300, '2'])
      assert.equal((await respond({ tools, max_tool_calls }, key)).status, 402, String(max_tool_calls));
  });

  it('are charged once for each choice of a chat, whose responses do not report them', async () => {
    const chat = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-4.1',
      choices: [0, 1].map((index) => ({
        index,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'Found.' },
      })),
      usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    };
    respondWith(chat);
    const request = { model: 'gpt-4.1', n: 2, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };
    const plain = await ok(gateway.chat(request, careful));
    const call = await ok(gateway.chat({ ...request, web_search_options: {} }, careful));
    assert.equal(feeOf(call, plain), 2n * 10n * MILLI_DOLLAR);
    const twice = { ...request, web_search_options: {}, tools: [{ type: 'web_search' }] };
    assert.equal(feeOf(await ok(gateway.chat(twice, careless)), plain), 2n * 10n * MILLI_DOLLAR);
    const foreign = await gateway.chat({ ...request, tools: [{ type: 'browser_search' }] }, careful);
    assert.deepEqual([foreign.status, errorOf(foreign).param], [422, 'tools[0].type'], foreign.text);
  });

  it('have no effect if a translation omits them', async () => {
    respondWith({ ...CLAUDE, usage: { input_tokens: 100, output_tokens: 20 } });
    const client_response = await gateway.send({
      method: 'POST',
      path: '/v1/responses',
      headers: { authorization: `Bearer ${careful}`, 'x-onevault-unsupported-fields': 'allow' },
      body: JSON.stringify({ model: 'claude-haiku-4-5', input: 'Hi', tools: [{ type: 'image_generation' }] }),
    });
    assert.equal(client_response.status, 200, client_response.text);
    assert.match(String(client_response.headers['x-onevault-unsupported-fields']), /tools\[0\]/);
    assert.equal(factsOf(await gateway.recorded(client_response.request_id)).unpriced, undefined);
  });

  it("are not sent with a customer's own key that has a limit, because nobody can enforce it", async () => {
    const slug = 'bounded';
    const { key } = await gateway.newCustomer({ slug, unpriced_policy: 'allow' });
    respondWith({ data: [], ...RESPONSE, output: [MESSAGE] });
    await giveKey(gateway, slug, { daily_spending_limit: '100' });
    const refused = await respond({ tools: [{ type: 'image_generation' }] }, key);
    assert.deepEqual([refused.status, errorOf(refused).code], [422, 'unpriced_model'], refused.text);
    const call = await ok(respond({ tools: [{ type: 'web_search' }] }, key));
    assert.equal(call.provider_cost, '0');
  });
});
