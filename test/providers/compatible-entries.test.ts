import assert from 'node:assert/strict';
import { bodyText } from '../../src/core/body.ts';
import { createCompatibleAdapters } from '../../src/providers/adapters.ts';
import type { ChatMessage, ChatRequest } from '../../src/providers/chat-form.ts';
import { COMPATIBLE_PROVIDERS } from '../../src/providers/compatible-providers.ts';
import type { Caller, Upstream } from '../../src/providers/contract.ts';
import { createCaller } from '../../src/providers/transport/upstream-caller.ts';
import { createUnsupportedFields, type UnsupportedFields } from '../../src/providers/unsupported-fields.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';
import { CLOCK, STRICT, upstreamAt } from './support.ts';

const adapters = createCompatibleAdapters(CLOCK);
const KEY = 'k-1';

describe('the table of compatible providers', () => {
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
  for (const entry of COMPATIBLE_PROVIDERS) {
    describe(`contains ${entry.provider}, which`, () => {
      const target = (stream = false) => ({ model: 'm', stream, upstream: upstream('') });
      const MESSAGES = [{ role: 'user', content: 'hi', name: 'ann' }];
      /** The bodies that are sent for a call, translated from another protocol and passed through. */
      const ways = (fields: object, unsupported: UnsupportedFields, stream = false): readonly object[] => {
        const chat = { model: 'alias', messages: [{ role: 'user', content: 'hi' }], ...fields };
        const { chat: operation } = adapters[entry.provider]!;
        return [
          operation.request(chat as ChatRequest, target(stream), unsupported),
          passthroughOf(entry.provider).request(JSON.stringify({ ...chat, stream }), target(stream), {}, unsupported),
        ].map(({ body }) => JSON.parse(bodyText(body)) as object);
      };
      const refused = [...(entry.refuses ?? []), ...(entry.unpriced ?? [])];

      it('refuses each unsupported field by name, or leaves it out and reports it', () => {
        for (const field of refused) {
          const nested = field.startsWith('messages[].');
          const fields = nested ? { messages: MESSAGES } : { [field]: EFFECTIVE_VALUES[field] ?? { x: 1 } };
          const param = nested ? field.replace('[]', '[0]') : field;
          for (const way of [0, 1]) {
            // The translation from another protocol also refuses an unknown field.
            assert.throws(
              () => (way === 0 ? ways(fields, STRICT) : passThrough(fields)),
              { code: 'unsupported_feature', param },
              field,
            );
          }
          const unsupported = createUnsupportedFields(true);
          for (const body of ways(fields, unsupported)) {
            assert.equal(JSON.stringify(body).includes(`"${field.replace('messages[].', '')}"`), false, field);
          }
          assert.deepEqual(unsupported.paths, [param]);
        }
      });

      const passThrough = (fields: object): object =>
        passthroughOf(entry.provider).request(
          JSON.stringify({ model: 'm', messages: [], ...fields }),
          target(),
          {},
          STRICT,
        );

      it('gets neither fields without effect nor labels that it refuses', () => {
        for (const [field, value] of Object.entries(NEUTRAL_VALUES)) {
          if (!refused.includes(field)) continue;
          for (const body of ways({ [field]: value }, STRICT)) assert.equal(Object.hasOwn(body, field), false);
        }
        for (const field of entry.ignores ?? []) {
          for (const body of ways({ [field]: 'x' }, STRICT)) assert.equal(Object.hasOwn(body, field), false);
        }
      });

      it('gets the request for usage in its own form, and limits under its own names', () => {
        for (const body of ways({ max_completion_tokens: 5, max_tokens: 9 }, STRICT, true)) {
          const { stream_options, max_tokens, max_completion_tokens } = body as Record<string, unknown>;
          assert.deepEqual(stream_options, entry.stream_options === false ? undefined : { include_usage: true });
          assert.deepEqual(
            [max_tokens, max_completion_tokens],
            entry.renames?.max_completion_tokens === 'max_tokens' ? [5, undefined] : [undefined, 5],
          );
        }
      });

      it('gets tools with ids and choices that it accepts', () => {
        const call = { id: 'toolu_01ABCdef', type: 'function', function: { name: 'f', arguments: '{}' } };
        const messages = [
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: call.id, content: '1' },
        ];
        for (const body of ways({ messages }, STRICT)) {
          const { messages: sent } = body as { messages: Partial<ChatMessage>[] };
          const [call_id, result_id] = [sent[0]!.tool_calls![0]!.id, sent[1]!.tool_call_id!];
          assert.equal(call_id, result_id);
          const letters = entry.tool_call_id_letters;
          if (letters === undefined) assert.equal(result_id, call.id);
          else assert.match(result_id, new RegExp(`^[a-zA-Z0-9]{${letters}}$`));
        }
        const named = { tool_choice: { type: 'function', function: { name: 'f' } } };
        if (entry.named_tool_choice === false || refused.includes('tool_choice')) {
          assert.throws(() => ways(named, STRICT), { code: 'unsupported_feature', param: 'tool_choice' });
        } else for (const body of ways(named, STRICT)) assert.deepEqual(body, { ...body, ...named });
      });

      it('gets the response format if it supports it', () => {
        const known = entry.response_formats ?? ['text', 'json_object', 'json_schema'];
        for (const type of ['text', 'json_object', 'json_schema']) {
          const response_format = { type };
          if (known.includes(type)) {
            for (const body of ways({ response_format }, STRICT)) {
              assert.deepEqual(body, { ...body, response_format });
            }
            continue;
          }
          const unsupported = createUnsupportedFields(true);
          for (const body of ways({ response_format }, unsupported)) {
            assert.equal(Object.hasOwn(body, 'response_format'), false);
          }
          assert.deepEqual(unsupported.paths, type === 'text' ? [] : ['response_format']);
        }
      });

      it('gets requests for embeddings in its own form, if it has embeddings', async () => {
        const { embeddings } = adapters[entry.provider]!;
        if (entry.embeddings === undefined) {
          assert.equal(embeddings, undefined);
          return;
        }
        const { refuses = [], renames = {}, ignores = [] } = entry.embeddings;
        const form = { model: 'a', input: ['x', 'y'], dimensions: 8, user: 'u', encoding_format: 'base64' };
        const data = [
          { index: 1, embedding: [2, 3] },
          { index: 0, embedding: [0, 1] },
        ];
        const response_body = { data, model: 'm', usage: { prompt_tokens: 2, total_tokens: 2 } };
        server.script((response) => sendJson(response, JSON.stringify(response_body)));
        const unsupported = createUnsupportedFields(true);
        const response = await caller.call(upstream(''), embeddings!.request(form, target(), unsupported));
        const { result, usage } = embeddings!.response(await response.text());
        assert.deepEqual(result.vectors, [
          [0, 1],
          [2, 3],
        ]);
        assert.deepEqual([usage?.prompt_tokens, usage?.completion_tokens], [2, 0]);
        const { url, body, headers } = server.received.at(-1)!;
        const path = (entry.embeddings.path ?? '/embeddings').replace('{model}', 'm');
        assert.equal(url.split('?')[0], path);
        assert.equal(headers[entry.key_header ?? 'authorization']?.includes(KEY), true);
        assert.deepEqual(unsupported.paths, refuses);
        assert.deepEqual(JSON.parse(body), {
          model: 'm',
          input: ['x', 'y'],
          ...(refuses.includes('dimensions') ? {} : { [renames.dimensions ?? 'dimensions']: 8 }),
          ...(ignores.includes('user') ? {} : { user: 'u' }),
        });
      });

      it('gets every supported and unknown field byte for byte', () => {
        const body = '{ "model" : "m","messages":[{"role":"user","content":"\\u00e9"}], "x_new":12345678901234567890 }';
        assert.equal(passthroughOf(entry.provider).request(body, target(), {}, STRICT).body, body);
      });

      it('gets no key header if it needs no key', () => {
        const open = { ...target(), upstream: { ...upstream(''), api_key: '' } };
        const request = { model: 'm', messages: [] };
        const { headers } = adapters[entry.provider]!.chat.request(request, open, STRICT);
        assert.deepEqual(Object.keys(headers).sort(), ['accept', 'content-type']);
      });

      it('reports errors in each form that compatible servers use', async () => {
        for (const [text, message] of ERRORS) {
          server.script((response) => sendJson(response, text, 422));
          const response = await caller.call(upstream(''), { path: '/x', headers: {}, body: '{}' });
          const { status, headers } = response;
          const error = adapters[entry.provider]!.error({ status, headers, body: await response.text() }, upstream(''));
          assert.equal(error.code, 'provider_rejected');
          assert.equal(error.details, `The provider answered 422: ${message}`);
        }
        const response_body = { error: { message: 'no credits', code: 402 } };
        for (const read of [adapters[entry.provider]!.chat.response, passthroughOf(entry.provider).response!]) {
          assert.throws(() => read(JSON.stringify(response_body)), { code: 'provider_error' });
        }
      });
    });
  }
});

/** Values that have an effect. */
const EFFECTIVE_VALUES: Readonly<Record<string, unknown>> = {
  n: 2,
  logprobs: true,
  top_logprobs: 2,
  seed: 7,
  stop: ['x'],
  store: true,
  service_tier: 'flex',
  verbosity: 'high',
  parallel_tool_calls: false,
  modalities: ['text', 'audio'],
  tools: [{ type: 'function', function: { name: 'f' } }],
  functions: [{ name: 'f' }],
  function_call: 'auto',
  tool_choice: 'required',
};

const NEUTRAL_VALUES: Readonly<Record<string, unknown>> = {
  n: 1,
  logprobs: false,
  top_logprobs: 0,
  logit_bias: {},
  modalities: ['text'],
  parallel_tool_calls: true,
  service_tier: 'auto',
  store: false,
  tool_choice: 'auto',
  tools: [],
  verbosity: 'medium',
};

const ERRORS: readonly (readonly [string, string])[] = [
  ['{"error":{"message":"no such model","type":"x","code":"y"}}', 'no such model'],
  ['{"error":"no such model","code":"c"}', 'no such model'],
  ['{"object":"error","message":"no such model","type":"x"}', 'no such model'],
  [
    '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","n"],"msg":"Extra inputs are not permitted"}]}}',
    'body.n: Extra inputs are not permitted',
  ],
  ['{"detail":"no such model"}', 'no such model'],
  ['{"detail":[{"loc":["body"],"msg":"a"},{"msg":"b"},7]}', 'body: a; b'],
];
