import assert from 'node:assert/strict';
import { silentLog } from '../../src/core/log.ts';
import { createProviderKeys } from '../../src/gateway/routing/unsealed-keys.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { actAsOpenAi, giveKey, OWN_KEY, type ShownKey } from '../support/provider-keys.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../support/upstream.ts';

describe('the provider keys in memory', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
    actAsOpenAi(upstream, [OWN_KEY]);
    gateway = await startTestGateway({ base_urls: { openai: `${upstream.url}/v1` } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  it('are decrypted once for all calls, bounded in number, and removed after their revocation', async () => {
    const { keyring } = gateway.control;
    let opened = 0;
    const counting: typeof keyring = {
      seal: keyring.seal,
      open: (sealed, context) => {
        opened += 1;
        return keyring.open(sealed, context);
      },
    };
    const keys: ShownKey[] = [];
    for (let count = 0; count < 3; count += 1) keys.push(await giveKey(gateway, 'demo'));
    const held = createProviderKeys({ keyring: counting, log: silentLog, max_keys: 2 });
    const { snapshot } = gateway.control;
    const [third, second, first] = snapshot().provider_keys.get('demo')!;
    const texts = await Promise.all(Array.from({ length: 100 }, () => held.open(first!)));
    assert.deepEqual([new Set(texts), opened], [new Set([OWN_KEY]), 1]);
    await held.open(second!);
    await held.open(first!);
    assert.equal(opened, 2);
    await held.open(third!);
    await held.open(first!);
    assert.equal(opened, 3, 'the least recently used key was removed');
    await held.open(second!);
    assert.equal(opened, 4);
    await gateway.admin('DELETE', `/customers/demo/provider-keys/${keys[1]!.id}`);
    held.keepOnly(snapshot());
    await held.open(second!);
    await held.open(second!);
    assert.equal(opened, 6, 'a key without a snapshot is not kept, not even for a late call');
    held.close();
    await held.open(first!);
    assert.equal(opened, 7);
  });
});
