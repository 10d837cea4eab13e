import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { KmsError, UnknownMasterKeyError, UnwrapError } from '../../src/keys/kms.ts';
import { createVaultTransitKms } from '../../src/keys/vault-transit-kms.ts';
import { send, startTransitServer, type TransitServer } from './transit-fixture.ts';

const place = { table: 'privacy.data_key', key_id: '0190aaaa-0000-7000-8000-000000000000' };
const key = randomBytes(32);

describe('the Transit key management service', () => {
  let server: TransitServer;
  beforeEach(async () => {
    server = await startTransitServer();
    server.makeKey('transit', 'onevault');
  });
  afterEach(() => server.close());

  const open = (more: { key?: string; token?: string; url?: string } = {}) =>
    createVaultTransitKms({
      url: server.url,
      token: server.token,
      key: 'onevault',
      timeout_ms: 200,
      retry_delay_ms: 1,
      ...more,
    });
  /** The error's message. It contains neither the token nor the key. */
  const failure = async (attempt: Promise<unknown>, kind: new (...args: never[]) => Error): Promise<string> => {
    const error = await attempt.then(
      () => assert.fail('it succeeded'),
      (caught: unknown) => caught,
    );
    assert.ok(error instanceof kind, String(error));
    const text = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
    for (const secret of [server.token, key.toString('base64'), key.toString('hex')]) {
      assert.equal(text.includes(secret), false);
    }
    return error.message;
  };

  it('wraps, unwraps and rewraps keys, and returns the version that did', async () => {
    const kms = open();
    const old = await kms.wrap(key, place);
    assert.equal(old.master_key_id, 'transit:transit/onevault:v1');
    assert.match(old.wrapped_key.toString(), /^vault:v1:/);
    assert.deepEqual(await kms.unwrap(old, place), key);
    assert.equal(await kms.rotate(), true);
    const fresh = await kms.rewrap(old, place);
    assert.equal(fresh.master_key_id, 'transit:transit/onevault:v2');
    assert.deepEqual(await kms.unwrap(fresh, place), key);
    assert.deepEqual(await kms.list(), [
      { master_key_id: 'transit:transit/onevault:v2', created_at: '2023-11-14T22:13:21.000Z' },
      { master_key_id: 'transit:transit/onevault:v1', created_at: '2023-11-14T22:13:20.000Z' },
    ]);
    assert.equal(await kms.destroy(old.master_key_id), false, 'only the operator destroys versions');
    const rewrap = server.requests.find(({ path }) => path.includes('/rewrap/'));
    assert.deepEqual(Object.keys(rewrap!.body), ['ciphertext', 'context'], 'a rewrap shows no key to us');
    server.disableBelow('transit', 'onevault', 2);
    assert.deepEqual(
      (await kms.list()).map(({ master_key_id }) => master_key_id),
      ['transit:transit/onevault:v2'],
    );
    await failure(kms.unwrap(old, place), UnwrapError);
    assert.equal(await kms.destroy(old.master_key_id), false, 'a disabled version can be enabled again');
    server.trimBelow('transit', 'onevault', 2);
    assert.equal(await kms.destroy(old.master_key_id), true, 'a trimmed one is gone');
    assert.equal(await kms.destroy(fresh.master_key_id), false);
    assert.equal(await kms.destroy('transit:elsewhere/onevault:v1'), false);
  });

  it('unwraps keys that it wrapped, only in their place and only unchanged', async () => {
    const kms = open();
    const wrapped = await kms.wrap(key, place);
    await failure(kms.unwrap(wrapped, { ...place, key_id: 'other' }), UnwrapError);
    await failure(kms.unwrap(wrapped, { ...place, table: 'privacy.subject_key' }), UnwrapError);
    await failure(kms.rewrap(wrapped, { ...place, key_id: 'other' }), UnwrapError);
    const changed = Buffer.from(wrapped.wrapped_key);
    changed[20] = changed[20] === 65 ? 66 : 65;
    await failure(kms.unwrap({ ...wrapped, wrapped_key: changed }, place), UnwrapError);
    await failure(kms.unwrap({ ...wrapped, wrapped_key: randomBytes(60) }, place), UnwrapError);
    await failure(kms.unwrap({ ...wrapped, master_key_id: 'transit:transit/onevault:v2' }, place), UnwrapError);
    await failure(
      kms.unwrap({ ...wrapped, master_key_id: 'transit:transit/another:v1' }, place),
      UnknownMasterKeyError,
    );
  });

  it("finds its key below the mount in the key's name", async () => {
    server.makeKey('teams/transit', 'vault');
    const kms = open({ key: 'teams/transit/vault' });
    const wrapped = await kms.wrap(key, place);
    assert.equal(wrapped.master_key_id, 'transit:teams/transit/vault:v1');
    assert.deepEqual(await kms.unwrap(wrapped, place), key);
  });

  it('names the command that creates a missing key, or a derived one', async () => {
    assert.match(
      await failure(open({ key: 'none' }).list(), KmsError),
      /^There is no key none at http.*: make it with "vault write -f transit\/keys\/none derived=true"\.$/,
    );
    server.makeKey('transit', 'plain', { derived: false });
    assert.match(await failure(open({ key: 'plain' }).list(), KmsError), /must be one that encrypts and is derived/);
  });

  it('reports a refused token at once', async () => {
    const message = await failure(open({ token: 'hvs.wrong' }).wrap(key, place), KmsError);
    assert.match(message, /is refused with status 403 \(permission denied\)\. Check ONEVAULT_KMS_TOKEN/);
    assert.equal(server.requests.length, 1, 'a retry would not help');
    assert.equal(message.includes('hvs.wrong'), false);
  });

  it('retries requests after temporary faults, with at most three attempts', async () => {
    const busy = [429, 500, 502, 503];
    for (const status of busy) {
      server.faults.push((res) => send(res, status, { errors: ['Vault is sealed'] }));
      server.faults.push((res) => res.destroy());
      const wrapped = await open().wrap(key, place);
      assert.deepEqual(await open().unwrap(wrapped, place), key);
      server.faults.length = 0;
    }
    server.requests.length = 0;
    for (let i = 0; i < 10; i += 1) {
      server.faults.push((res) => send(res, 503, { errors: ['Vault is sealed'] }));
    }
    assert.match(await failure(open().wrap(key, place), KmsError), /status 503 \(Vault is sealed\)/);
    assert.equal(server.requests.length, 3);
  });

  it('gives up requests that the service does not answer', async () => {
    server.faults.push(null, null, null);
    assert.match(await failure(open().wrap(key, place), KmsError), /does not answer: not within 200 ms\.$/);
    const nowhere = open({ url: 'http://127.0.0.1:1' });
    assert.match(await failure(nowhere.wrap(key, place), KmsError), /does not answer: (ECONNREFUSED|bad port)/);
  });

  it('refuses invalid responses', async () => {
    const nonsense = [
      '',
      'null',
      '<html>',
      '{"data":{}}',
      '{"data":{"ciphertext":"vault:v1:"}}',
      '{"data":{"ciphertext":5}}',
    ];
    for (const text of nonsense) {
      server.faults.push((res) => void res.writeHead(200).end(text));
      await failure(open().wrap(key, place), KmsError);
    }
    const wrapped = await open().wrap(key, place);
    for (const text of ['{"data":{}}', '{"data":{"plaintext":"AAAA"}}', '{"data":{"plaintext":7}}']) {
      server.faults.push((res) => void res.writeHead(200).end(text));
      await failure(open().unwrap(wrapped, place), KmsError);
    }
    for (let i = 0; i < 3; i += 1) {
      server.faults.push((res) => void res.writeHead(200).end('x'.repeat(3_000_000)));
    }
    assert.match(await failure(open().wrap(key, place), KmsError), /the response exceeds 1048576 bytes/);
    for (let i = 0; i < 3; i += 1) {
      server.faults.push((res) => void res.writeHead(307, { location: `${server.url}/elsewhere` }).end());
    }
    await failure(open().wrap(key, place), KmsError);
    assert.equal(
      server.requests.some(({ path }) => path.includes('elsewhere')),
      false,
      'the token goes nowhere else',
    );
  });
});
