import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCheckpoint } from '../../../src/audit/checkpoint.ts';
import { cosignedMessage } from '../../../src/audit/cosignature.ts';
import {
  COSIGNATURE_V1,
  formatNote,
  formatSignature,
  isSignedBy,
  keyIdOf,
  parseNote,
  parseVerifierKey,
} from '../../../src/audit/note.ts';
import { sealTree } from '../../../src/audit/seal-tree.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { testKeyring } from '../../audit/audit-fixture.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ClientResponse, dataOf, errorOf } from '../../support/http.ts';
import { verifyConsistency } from '../../support/merkle-proofs.ts';

const WITNESS = 'witness.example/w1';

const createWitness = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const public_key = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const key_id = keyIdOf(WITNESS, COSIGNATURE_V1, public_key);
  const cosign = (note: string, time_s = Math.floor(Date.now() / 1_000)): string => {
    const { text, signatures } = parseNote(note);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(time_s));
    const bytes = Buffer.concat([time, sign(null, cosignedMessage(text, time_s), privateKey)]);
    return formatNote(text, [...signatures.map(({ line }) => line), formatSignature(WITNESS, key_id, bytes)]);
  };
  return { key: { name: WITNESS, key_id, kind: COSIGNATURE_V1, public_key }, cosign };
};

interface KeysBody {
  readonly data: readonly { readonly verifier_key: string; readonly first_size: number | null }[];
}

interface ConsistencyBody {
  readonly origin: string;
  readonly from: { readonly tree_size: number; readonly root_hash: string | null };
  readonly to: { readonly tree_size: number; readonly root_hash: string };
  readonly hashes: readonly string[];
}

describe('the audit log over HTTP without a key', () => {
  let gateway: TestGateway;
  let seal: () => Promise<string>;
  const witness = createWitness();
  const notes: string[] = [];

  before(async () => {
    gateway = await startTestGateway({ witnesses: [witness.key] });
    // A minute a round, so that a checkpoint is due each time.
    let now_ms = Date.now();
    const clock: Clock = { now: () => now_ms };
    const { sql } = gateway.database;
    const keyring = testKeyring(sql, clock);
    seal = async () => {
      now_ms += 60_000;
      await sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
      return (await gateway.get('/v1/audit/checkpoint')).text;
    };
  });
  after(() => gateway.close());

  const post = (body: string | Buffer): Promise<ClientResponse> =>
    gateway.send({ method: 'POST', path: '/v1/audit/cosignatures', body });
  const sizeOf = (note: string): number => parseCheckpoint(parseNote(note).text).tree_size;

  it('reports a missing checkpoint, and when to retry', async () => {
    for (const path of ['checkpoint', 'consistency?from=0']) {
      const response = await gateway.get(`/v1/audit/${path}`);
      assert.equal(response.status, 404, path);
      assert.ok(Number(response.headers['retry-after']) > 0, path);
    }
    assert.deepEqual(dataOf(await gateway.get('/v1/audit/keys')), []);
  });

  it('returns the newest checkpoint, signed by a published key, and older ones by their size', async () => {
    for (let round = 0; round < 3; round += 1) {
      await gateway.newCustomer({ slug: `round-${round}` });
      notes.push(await seal());
    }
    const { data } = (await gateway.get('/v1/audit/keys')).json as KeysBody;
    assert.equal(data.length, 1);
    assert.equal(data[0]!.first_size, sizeOf(notes[0]!));
    for (const note of notes) {
      assert.ok(isSignedBy(parseNote(note), parseVerifierKey(data[0]!.verifier_key)));
      const again = await gateway.get(`/v1/audit/checkpoint?size=${sizeOf(note)}`);
      assert.equal(again.text, note);
      assert.equal(again.headers['content-type'], 'text/plain; charset=utf-8');
    }
    assert.ok(!(await gateway.get('/v1/audit/keys')).text.includes('sealed'));
  });

  it('proves that each checkpoint is a prefix of each later one', async () => {
    const heads = notes.map((note) => parseCheckpoint(parseNote(note).text));
    for (const [at, from] of heads.entries()) {
      for (const to of heads.slice(at)) {
        const path = `/v1/audit/consistency?from=${from.tree_size}&to=${to.tree_size}`;
        const body = dataOf<ConsistencyBody>(await gateway.get(path));
        const claim = {
          first_size: from.tree_size,
          second_size: to.tree_size,
          first_root: from.root,
          second_root: to.root,
          path: body.hashes.map((hash) => Buffer.from(hash, 'base64')),
        };
        assert.ok(verifyConsistency(claim), path);
        assert.equal(body.to.root_hash, to.root.toString('base64'));
      }
    }
    const newest = dataOf<ConsistencyBody>(await gateway.get(`/v1/audit/consistency?from=0`));
    assert.deepEqual([newest.from, newest.to.tree_size], [{ tree_size: 0, root_hash: null }, heads[2]!.tree_size]);
  });

  it('reports the fault of an invalid size', async () => {
    const [small, large] = [sizeOf(notes[0]!), sizeOf(notes[2]!)];
    for (const [query, status, param] of [
      ['checkpoint?size=x', 400, 'size'],
      ['checkpoint?size=-1', 400, 'size'],
      ['checkpoint?size=1.5', 400, 'size'],
      ['checkpoint?size=99999999999999999999', 400, 'size'],
      ['checkpoint?size=1&size=2', 400, 'size'],
      ['checkpoint?size=999999', 404, 'size'],
      ['consistency', 400, 'from'],
      [`consistency?from=${large}&to=${small}`, 400, 'from'],
      [`consistency?from=${small}&to=999999`, 404, 'to'],
      [`consistency?from=1&to=${large}`, 404, 'from'],
      ['consistency?from=%00', 400, 'from'],
    ] as const) {
      const response = await gateway.get(`/v1/audit/${query}`);
      assert.deepEqual([response.status, errorOf(response).param], [status, param], query);
    }
  });

  it("publishes a known witness's signature once, and ignores all other input", async () => {
    const [first, , newest] = notes as [string, string, string];
    const taken = await post(witness.cosign(newest));
    assert.equal(taken.status, 200, taken.text);
    assert.deepEqual(dataOf(taken), { tree_size: sizeOf(newest), witnesses: [WITNESS] });
    const published = (await gateway.get('/v1/audit/checkpoint')).text;
    assert.ok(published.startsWith(newest) && published.includes(`— ${WITNESS} `));
    await sleep(1_000);
    assert.equal((await post(witness.cosign(newest))).status, 200);
    assert.equal((await gateway.get('/v1/audit/checkpoint')).text, published, 'the first one stands');
    const forged = newest.replace(/\n\d+\n/, '\n7\n');
    const bad: readonly (string | Buffer)[] = [
      '',
      'x',
      '\n\n',
      newest,
      witness.cosign(forged),
      createWitness().cosign(newest),
      witness.cosign(newest).replace(/.{4}\n$/, 'AAAA\n'),
      witness.cosign(newest, Math.floor(Date.now() / 1_000) + 100_000_000),
      Buffer.from([0xff, 0xfe, 0x00]),
      `${'x'.repeat(60_000)}\n\n— a b\n`,
      JSON.stringify({ note: newest }),
    ];
    for (const body of bad) {
      const response = await post(body);
      assert.equal(response.status, 400, body.toString().slice(0, 80));
      assert.equal(errorOf(response).code, 'invalid_request');
      assert.ok(response.text.length < 2_000, 'the answer does not repeat what was sent at length');
    }
    assert.equal((await post('x'.repeat(70_000))).status, 413);
    assert.equal((await gateway.get('/v1/audit/checkpoint')).text, published);
    assert.equal((await gateway.get(`/v1/audit/checkpoint?size=${sizeOf(first)}`)).text, first);
  });

  it('refuses other methods', async () => {
    const response = await gateway.send({ method: 'POST', path: '/v1/audit/checkpoint' });
    assert.equal(response.status, 405);
  });
});
