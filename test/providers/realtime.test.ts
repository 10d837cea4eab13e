import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { createAdapters, createCompatibleAdapters } from '../../src/providers/adapters.ts';
import type { Upstream } from '../../src/providers/contract.ts';

const adapters = { ...createAdapters(systemClock), ...createCompatibleAdapters(systemClock) };
const WAIT_MS = 1_000;
const upstream: Upstream = {
  base_url: 'https://api.example.com/v1',
  api_key: 'sk-1',
  limits: {
    headers_timeout_ms: WAIT_MS,
    idle_timeout_ms: WAIT_MS,
    total_timeout_ms: WAIT_MS,
    max_response_bytes: 1_000,
    max_stream_bytes: 1_000,
    max_event_bytes: 1_000,
  },
};

describe('the adapters of realtime sessions', () => {
  const requestTo = (provider: string, model = 'm & n') => {
    const { realtime } = new Map(Object.entries(adapters)).get(provider)!;
    return realtime?.request({ model, upstream }, { 'openai-beta': 'realtime=v1', cookie: 'a', 'x-b': 'c' });
  };

  it('use the paths of OpenAI and Azure OpenAI, each with its own form of the key', () => {
    assert.deepEqual(requestTo('openai'), {
      path: '/realtime?model=m+%26+n',
      headers: { authorization: 'Bearer sk-1', 'openai-beta': 'realtime=v1' },
    });
    assert.deepEqual(requestTo('azure-openai'), {
      path: '/openai/v1/realtime?model=m+%26+n',
      headers: { 'api-key': 'sk-1', 'openai-beta': 'realtime=v1' },
    });
  });

  it('exist for no other provider', () => {
    for (const provider of ['anthropic', 'google', 'mistral', 'groq', 'custom'])
      assert.equal(requestTo(provider), undefined, provider);
  });

  it('read each part of the usage, return null for missing usage, and refuse invalid counts', () => {
    const { realtime } = adapters.openai;
    assert.equal(realtime!.usage({ usage: null }), null);
    assert.equal(realtime!.usage({}), null);
    assert.deepEqual(
      realtime!.usage({
        usage: {
          input_tokens: 9,
          output_tokens: 5,
          total_tokens: 99,
          input_token_details: {
            audio_tokens: 4,
            cached_tokens: 3,
            cached_tokens_details: { audio_tokens: 2 },
          },
          output_token_details: { audio_tokens: 5 },
        },
      }),
      {
        prompt_tokens: 9,
        completion_tokens: 5,
        total_tokens: 14,
        cached_tokens: 3,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        prompt_audio_tokens: 4,
        completion_audio_tokens: 5,
        prompt_image_tokens: 0,
        cached_audio_tokens: 2,
        cached_image_tokens: 0,
      },
    );
    for (const usage of [7, 'many', [], { input_tokens: -1 }, { input_tokens: 1.5 }, { output_tokens: '5' }])
      assert.throws(() => realtime!.usage({ usage }), { code: 'provider_malformed' });
  });
});
