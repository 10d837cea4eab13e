import assert from 'node:assert/strict';
import { parseCheckpoint } from '../../../src/audit/checkpoint.ts';
import { rootOf } from '../../../src/audit/merkle.ts';
import { parseNote } from '../../../src/audit/note.ts';
import { sealTree } from '../../../src/audit/seal-tree.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { testKeyring } from '../../audit/audit-fixture.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, dataOf, errorOf, nextOf } from '../../support/http.ts';
import { hashLeaf, verifyInclusion } from '../../support/merkle-proofs.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };

/** The contents of a proof (C2SP tlog-proof), and its validity. */
const readProof = (text: string) => {
  const split = text.indexOf('\n\n');
  const [head, extra, index, ...path] = text.slice(0, split).split('\n');
  assert.equal(head, 'c2sp.org/tlog-proof@v1');
  const entry = Buffer.from(extra!.replace(/^extra /, ''), 'base64');
  const { tree_size, root } = parseCheckpoint(parseNote(text.slice(split + 2)).text);
  const place = Number(index!.replace(/^index /, ''));
  const holds = verifyInclusion({
    index: place,
    tree_size,
    root,
    leaf_hash: hashLeaf(entry),
    path: path.map((line) => Buffer.from(line, 'base64')),
  });
  return { entry: entry.toString(), index: place, tree_size, holds };
};

describe('the proof of a call over HTTP', () => {
  let gateway: TestGateway;
  let seal: () => Promise<void>;
  let acme: { key: string };

  before(async () => {
    gateway = await startTestGateway();
    acme = await gateway.newCustomer({ slug: 'acme' });
    let now_ms = Date.now();
    const clock: Clock = { now: () => now_ms };
    const { sql } = gateway.database;
    const keyring = testKeyring(sql, clock);
    seal = async () => {
      now_ms += 60_000;
      await sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    };
  });
  after(() => gateway.close());

  const prove = (id: string, key: string): Promise<ClientResponse> =>
    gateway.send({ path: `/v1/audit/proof/${id}`, headers: bearer(key) });

  it('shows of every call, succeeded or refused, that log and vault agree', async () => {
    const calls = await Promise.all(Array.from({ length: 20 }, () => gateway.chat(HELLO, acme.key)));
    calls.push(await gateway.chat({ ...HELLO, model: 'no-such-model' }, acme.key));
    calls.push(await gateway.chat({}, acme.key));
    await gateway.drain();
    await seal();
    const places = new Set<number>();
    for (const { request_id } of calls) {
      const response = await prove(request_id, acme.key);
      assert.equal(response.status, 200, response.text);
      assert.equal(response.headers['content-type'], 'text/plain; charset=utf-8');
      const proof = readProof(response.text);
      assert.ok(proof.holds, response.text);
      assert.match(proof.entry, /^onevault-entry\/v1\napi_request_h [0-9a-f]{64} /);
      places.add(proof.index);
    }
    assert.equal(places.size, calls.length);
  });

  it('is invalid after a change of a column of the call', async () => {
    const { request_id } = await gateway.chat(HELLO, acme.key);
    await gateway.drain();
    await seal();
    assert.ok(readProof((await prove(request_id, acme.key)).text).holds);
    await gateway.database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`
        update gateway.api_request_s
        set hash_diff = decode(repeat('ab', 32), 'hex')
        where api_request_hk = (select api_request_hk from gateway.api_request_h where api_request_bk = ${request_id})`;
    });
    assert.equal(readProof((await prove(request_id, acme.key)).text).holds, false);
  });

  it('states when to retry while no checkpoint covers the call', async () => {
    const { request_id } = await gateway.chat(HELLO, acme.key);
    await gateway.drain();
    const early = await prove(request_id, acme.key);
    assert.deepEqual([early.status, errorOf(early).reason], [409, 'not_covered_yet']);
    assert.ok(Number(early.headers['retry-after']) > 0);
    await seal();
    assert.ok(readProof((await prove(request_id, acme.key)).text).holds);
  });

  it("is refused for another customer's call like for an unknown one, and is complete for auditors", async () => {
    const { request_id } = await gateway.chat(HELLO);
    const refused = await gateway.chat(HELLO, `sk_${'A'.repeat(43)}`);
    await gateway.drain();
    const shown = async (id: string): Promise<string> => {
      const response = await prove(id, acme.key);
      assert.equal(response.status, 404);
      const { code, message, param, status } = errorOf(response);
      return JSON.stringify({ code, param, status, message: message.replaceAll(id, 'ID') });
    };
    const absent = '00000000-0000-7000-8000-000000000000';
    const unsealed = await shown(request_id);
    await seal();
    assert.deepEqual(
      [unsealed, await shown(request_id), await shown(refused.request_id)],
      [...Array.from({ length: 3 }, () => unsealed)],
    );
    assert.equal(await shown(absent), unsealed);
    const made = await gateway.admin('POST', '/api-keys', { name: 'audit', scopes: ['auditor'] });
    for (const key of [gateway.keys.admin_key, (made.json as { key: string }).key]) {
      for (const id of [request_id, refused.request_id]) {
        assert.ok(readProof((await prove(id, key)).text).holds);
      }
    }
    for (const id of ['x', '%00', "'--", 'a'.repeat(5_000)]) {
      assert.equal((await prove(id, acme.key)).status, 404, id);
    }
    assert.equal((await gateway.get(`/v1/audit/proof/${request_id}`)).status, 401);
  });

  describe('from the entries at /v1/audit/entries', () => {
    interface Entry {
      readonly index: number;
      readonly leaf_hash: string;
      readonly entry: string | null;
      readonly gone: string | null;
    }
    interface Page {
      readonly tree_size: number;
      readonly data: readonly Entry[];
      readonly next: string | null;
    }

    const list = (query: string, key = gateway.keys.admin_key) => follow(`/v1/audit/entries?${query}`, key);
    const follow = async (path: string, key = gateway.keys.admin_key): Promise<Page> => {
      const response = await gateway.send({ path, headers: bearer(key) });
      assert.equal(response.status, 200, response.text);
      const { meta } = response.json as { meta: { tree_size: number } };
      return { tree_size: meta.tree_size, data: dataOf<Entry[]>(response), next: nextOf(response) };
    };

    it('recomputes the root from every leaf that a checkpoint covers, in pages', async () => {
      await seal();
      const entries: Entry[] = [];
      let page = await list('limit=37');
      for (; page.next !== null; page = await follow(page.next)) entries.push(...page.data);
      entries.push(...page.data);
      assert.deepEqual(
        entries.map(({ index }) => index),
        Array.from({ length: page.tree_size }, (_, index) => index),
      );
      const note = (await gateway.get(`/v1/audit/checkpoint?size=${page.tree_size}`)).text;
      const hashes = entries.map(({ leaf_hash }) => Buffer.from(leaf_hash, 'hex'));
      assert.deepEqual(rootOf(hashes), parseCheckpoint(parseNote(note).text).root);
      const differing = entries.filter(
        ({ entry, leaf_hash }) => hashLeaf(Buffer.from(entry!)).toString('hex') !== leaf_hash,
      );
      assert.equal(differing.length, 1, 'the one call that was changed');
      assert.match(differing[0]!.entry!, /api_request_s .* (ab){32} /);
    });

    it('gives a customer its own calls, and no other leaf', async () => {
      const { data, next } = await list('limit=1000', acme.key);
      assert.equal(next, null);
      assert.ok(data.length >= 22);
      const hk = gateway.control.rows.hubKey('customer_h', { customer_bk: 'acme' });
      const [{ calls }] = await gateway.database.sql<[{ calls: number }]>`
        select count(*) as calls
        from gateway.api_request_l
        where customer_hk = ${hk}::bytea`;
      assert.equal(data.length, calls);
      assert.ok(data.every(({ entry }) => entry!.includes('\napi_request_s ')));
    });

    it('covers the requested range, and reports faults of a request', async () => {
      const part = await list('from=3&to=5');
      assert.deepEqual(
        part.data.map(({ index }) => index),
        [3, 4],
      );
      assert.equal(part.next, null);
      const beyond = await list('from=99999999');
      assert.deepEqual([beyond.data, beyond.next], [[], null]);
      for (const query of ['from=5&to=3', 'from=x', 'to=-1', 'limit=0', 'limit=1001', 'from=1&from=2']) {
        assert.equal((await gateway.admin('GET', `/v1/audit/entries?${query}`)).status, 400, query);
      }
      assert.equal((await gateway.get('/v1/audit/entries')).status, 401);
    });
  });
});
