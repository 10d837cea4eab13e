import assert from 'node:assert/strict';
import { bodyText } from '../../src/core/body.ts';
import { createCompatibleAdapters } from '../../src/providers/adapters.ts';
import type { ChatChunk, ChatMessage } from '../../src/providers/chat-form.ts';
import { COMPATIBLE_PROVIDERS, type CompatibleProvider } from '../../src/providers/compatible-providers.ts';
import type { Caller, Upstream, UpstreamRequest } from '../../src/providers/contract.ts';
import { createCompatible } from '../../src/providers/openai/adapter.ts';
import { createProfile } from '../../src/providers/openai/compatible/profile.ts';
import { createCaller } from '../../src/providers/transport/upstream-caller.ts';
import { type ScriptedUpstream, sendFrames, sendJson, startScriptedUpstream } from '../support/upstream.ts';
import { RECORDED, type RecordedProfile } from './compatible-fixture.ts';
import { CLOCK, STRICT, upstreamAt } from './support.ts';

const adapters = createCompatibleAdapters(CLOCK);
const KEY = 'k-1';

describe('a compatible provider', () => {
  let caller: Caller;
  let server: ScriptedUpstream;
  before(async () => {
    caller = createCaller();
    server = await startScriptedUpstream();
  });
  after(async () => {
    await caller.close();
    await server.close();
  });

  const upstream = (base_path: string): Upstream => ({
    ...upstreamAt(server.url, 'openai'),
    base_url: server.url + base_path,
    api_key: KEY,
  });

  const passthroughOf = (provider: string) => adapters[provider]!.passthroughs['openai-chat']!;
  const passed = (given: RecordedProfile, stream: boolean): UpstreamRequest =>
    passthroughOf(given.provider).request(
      JSON.stringify({ model: 'alias', ...given.client_fields, ...(stream ? { stream } : {}) }),
      { model: given.model, stream, upstream: upstream(given.base_path) },
      {},
      STRICT,
    );

  for (const given of RECORDED) {
    describe(`named ${given.provider}`, () => {
      it('gets requests at its address, with its key, in its own form', async () => {
        server.script((response) => sendFrames(response, ['[DONE]']));
        const response = await caller.call(upstream(given.base_path), passed(given, true));
        response.discard();
        const { url, headers, body } = server.received.at(-1)!;
        assert.equal(url, given.url);
        const [name, value] = given.key;
        assert.equal(headers[name], value);
        assert.equal(name === 'authorization' ? undefined : headers.authorization, undefined);
        assert.deepEqual(JSON.parse(body), given.sent);
      });

      it('is understood in complete responses, whose bytes also pass through unchanged', async () => {
        const text = JSON.stringify(given.response);
        server.script((response) => sendJson(response, text));
        const response = await caller.call(upstream(given.base_path), passed(given, false));
        assert.equal(await response.text(), text);
        const { result, usage } = adapters[given.provider]!.chat.response(text);
        const { message, finish_reason } = result.choices[0]!;
        const { content, reasoning_content = '' } = message;
        assert.deepEqual(
          { text: content, reasoning: reasoning_content, finish: finish_reason, ...countsOf(usage) },
          given.reported,
        );
        const side = passthroughOf(given.provider).response!(text);
        assert.deepEqual(side.usage, usage);
        assert.equal(side.result(), given.reported.reasoning + given.reported.text);
      });

      it('is understood in streams, with usage, even if it sends no [DONE]', async () => {
        const frames = given.frames.map((frame) => JSON.stringify(frame));
        for (const ending of [['[DONE]'], []]) {
          server.script((response) => sendFrames(response, [...frames, ...ending]));
          const translated = adapters[given.provider]!.chat.stream();
          const side = passthroughOf(given.provider).stream!({ include_usage: true });
          const chunks: ChatChunk[] = [];
          let text = '';
          const response = await caller.call(upstream(given.base_path), passed(given, true));
          await response.each((pieces) => {
            for (const piece of pieces) {
              if (piece.data === null) continue;
              chunks.push(...translated.push(piece));
              text += side.push(piece);
            }
            return null;
          });
          translated.end();
          side.end();
          assert.equal(text, frames.map((frame) => `data: ${frame}\n\n`).join(''));
          assert.deepEqual({ ...assemble(chunks), ...countsOf(translated.usage) }, given.reported);
          assert.deepEqual(side.usage, translated.usage);
          assert.equal(side.text(), given.reported.reasoning + given.reported.text);
        }
      });
    });
  }

  it('gets the query of its configured address, which takes precedence over the table', () => {
    const azure = adapters['azure-openai']!;
    const at = `${server.url}/?api-version=2025-04-01-preview&tenant=a`;
    const { path } = azure.chat.request(
      { model: 'x', messages: [] },
      { model: "d$&'1", stream: false, upstream: { ...upstream(''), base_url: at } },
      STRICT,
    );
    assert.equal(path, "/openai/deployments/d%24%26'1/chat/completions?api-version=2025-04-01-preview&tenant=a");
  });

  it('that requires its reasoning with tool calls gets it from every protocol, and an empty one if it is missing', () => {
    const { chat, passthroughs } = adapters.deepseek!;
    const target = { model: 'm', stream: false, upstream: upstream('') };
    const tool_calls = [{ id: 'a', type: 'function' as const, function: { name: 'f', arguments: '{}' } }];
    const call = { role: 'assistant', content: null, tool_calls };
    const answer = { role: 'assistant', content: 'y', reasoning_content: 'dropped' };
    const thinking_blocks = [{ type: 'thinking', thinking: 'hm', signature: '' }];
    const sent = (message: object): unknown => {
      const { body } = chat.request({ model: 'm', messages: [message as ChatMessage, answer] }, target, STRICT);
      const [first, second] = (JSON.parse(bodyText(body)) as { messages: Record<string, unknown>[] }).messages;
      assert.equal(second!.reasoning_content, undefined);
      return first!.reasoning_content;
    };
    assert.equal(sent({ ...call, thinking_blocks }), 'hm');
    assert.equal(sent({ ...call, reasoning_content: 'so' }), 'so');
    assert.equal(sent(call), '');
    const text = JSON.stringify({ model: 'm', messages: [call, answer] });
    const { body } = passthroughs['openai-chat']!.request(text, target, {}, STRICT);
    assert.deepEqual((JSON.parse(bodyText(body)) as { messages: unknown }).messages, [
      { ...call, reasoning_content: '' },
      answer,
    ]);
  });

  it('is understood if its tool calls have objects as arguments and no index', () => {
    const tool_calls = [
      { id: 'a', function: { name: 'f', arguments: { x: 1 } } },
      { id: 'b', function: { name: 'g', arguments: '{}' } },
    ];
    const choices = [{ index: 0, delta: { tool_calls }, finish_reason: 'tool_calls' }];
    const [chunk] = adapters.custom!.chat.stream().push({ event: '', data: JSON.stringify({ id: 'c', choices }) });
    assert.deepEqual(chunk!.choices[0]!.delta.tool_calls, [
      { index: 0, type: 'function', id: 'a', function: { name: 'f', arguments: '{"x":1}' } },
      { index: 1, type: 'function', id: 'b', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  it('has a unique name and valid URLs', () => {
    const names = COMPATIBLE_PROVIDERS.map(({ provider }) => provider);
    assert.equal(new Set(names).size, names.length);
    for (const { provider, base_url, docs } of COMPATIBLE_PROVIDERS) {
      assert.match(provider, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      for (const url of [base_url, docs]) if (url !== null) assert.equal(URL.canParse(url), true);
    }
  });

  it('needs only an entry of the table and no code', () => {
    const entry: CompatibleProvider = {
      provider: 'next',
      provider_name: 'Next',
      base_url: null,
      docs: 'https://next.example',
      path: '/gen/{model}',
      key_header: 'x-key',
      usage: { at: ['meta.tokens'] },
    };
    const next = createCompatible(createProfile(entry), CLOCK);
    const request = next.chat.request(
      { model: 'a', messages: [] },
      { model: 'm', stream: false, upstream: upstream('') },
      STRICT,
    );
    assert.equal(request.path, '/gen/m');
    assert.equal(request.headers['x-key'], KEY);
    const response = {
      choices: [{ message: { content: 'y' } }],
      meta: { tokens: { prompt_tokens: 2, completion_tokens: 3 } },
    };
    assert.equal(next.chat.response(JSON.stringify(response)).usage?.total_tokens, 5);
  });
});

const countsOf = (
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    cached_tokens: number;
    reasoning_tokens: number;
  } | null,
) => {
  assert.ok(usage !== null, 'no usage was reported');
  const { prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens } = usage;
  return { prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens };
};

const assemble = (chunks: readonly ChatChunk[]) => {
  let [text, reasoning, finish] = ['', '', ''];
  for (const { choices } of chunks) {
    for (const { delta, finish_reason } of choices) {
      text += delta.content ?? '';
      if (typeof delta.reasoning_content === 'string') reasoning += delta.reasoning_content;
      finish = finish_reason ?? finish;
    }
  }
  return { text, reasoning, finish };
};
