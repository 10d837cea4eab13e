import assert from 'node:assert/strict';
import { fixedClock } from '../../src/core/clock.ts';
import type { OneVaultError } from '../../src/core/errors.ts';
import { createAdapters, createCompatibleAdapters } from '../../src/providers/adapters.ts';
import { checkKey } from '../../src/providers/check-key.ts';
import type { ProviderAdapter } from '../../src/providers/contract.ts';
import { createCaller } from '../../src/providers/transport/upstream-caller.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { type Received, type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const clock = fixedClock('2026-11-21T10:00:00Z');
const ADAPTERS: Readonly<Record<string, ProviderAdapter>> = {
  ...createAdapters(clock),
  ...createCompatibleAdapters(clock),
};
const KEY = 'key-of-a-customer-1234567890';
const caller = createCaller();

const outcomeOf = (call: Promise<void>): Promise<OneVaultError | null> =>
  call.then(
    () => null,
    (error: OneVaultError) => error,
  );

describe('the check of a provider key', () => {
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
  });
  after(async () => {
    await caller.close();
    await upstream.close();
  });

  const check = (provider: string, base_url = upstream.url): Promise<OneVaultError | null> =>
    outcomeOf(checkKey(caller, ADAPTERS[provider]!, { base_url, api_key: KEY }));
  const sentTo = async (provider: string): Promise<Received> => {
    upstream.script((response) => sendJson(response, '{"data":[]}'));
    upstream.received.length = 0;
    assert.equal(await check(provider), null, provider);
    assert.equal(upstream.received.length, 1);
    return upstream.received[0]!;
  };

  it("uses each provider's cheapest call that requires a key, with the provider's header for the key", async () => {
    const probes: Record<string, readonly [path: string, header: string]> = {
      openai: ['/models', 'authorization'],
      anthropic: ['/v1/models?limit=1', 'x-api-key'],
      google: ['/v1beta/models?pageSize=1', 'x-goog-api-key'],
      'azure-openai': ['/openai/models?api-version=2024-10-21', 'api-key'],
      mistral: ['/models', 'authorization'],
      openrouter: ['/key', 'authorization'],
      vllm: ['/models', 'authorization'],
    };
    for (const [provider, [path, header]] of Object.entries(probes)) {
      const { url, headers, body } = await sentTo(provider);
      assert.deepEqual([url, body], [path, ''], provider);
      assert.equal(headers[header], header === 'authorization' ? `Bearer ${KEY}` : KEY, provider);
    }
  });

  it('is a chat of one token for a provider that offers no other check', async () => {
    for (const provider of ['perplexity', 'cohere']) {
      const { url, headers, body } = await sentTo(provider);
      assert.equal(url, '/chat/completions');
      assert.equal(headers.authorization, `Bearer ${KEY}`);
      const chat = JSON.parse(body) as { model: string; max_tokens: number };
      assert.ok(chat.model !== '' && chat.max_tokens === 1, body);
    }
  });

  it("is possible for every provider, and reports a refusal with the provider's message but without the key", async () => {
    for (const provider of Object.keys(ADAPTERS)) {
      upstream.script((response) =>
        sendJson(response, `{"error":{"message":"No such key: ${KEY}","code":401,"status":"UNAUTHENTICATED"}}`, 401),
      );
      const error = await check(provider);
      assert.equal(error?.code, 'provider_key_refused', provider);
      assert.match(error.details ?? '', /No such key/, provider);
      assert.ok(!(error.details ?? '').includes(KEY), provider);
      upstream.script((response) => sendJson(response, '{}', 503));
      assert.equal((await check(provider))?.code, 'provider_error', provider);
    }
  });

  it('gets the same results from the sandbox as from the real providers', async () => {
    const sandbox = await startSandbox();
    try {
      for (const [provider, base_url] of [
        ['openai', `${sandbox.url}/v1`],
        ['anthropic', sandbox.url],
      ] as const) {
        const check = (api_key: string) => outcomeOf(checkKey(caller, ADAPTERS[provider]!, { base_url, api_key }));
        assert.equal(await check('good'), null);
        assert.equal((await check('invalid'))?.code, 'provider_key_refused');
      }
    } finally {
      await sandbox.close();
    }
  });

  it('reports a provider that cannot be reached', async () => {
    assert.equal((await check('openai', 'http://127.0.0.1:9'))?.code, 'provider_unreachable');
  });
});
