import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, dataOf, errorOf } from '../support/http.ts';

describe('the contract of the control plane', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
    await gateway.newCustomer({ slug: 'acme' });
  });
  after(() => gateway.close());

  const send = (path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) =>
    gateway.send({
      method,
      path,
      headers: { ...bearer(gateway.keys.admin_key), ...headers },
      ...(body === undefined ? {} : { body }),
    });

  it('serves a resource at its canonical path and at each alias', async () => {
    const canonical = await send('/v1/customers/acme');
    assert.equal(canonical.status, 200, canonical.text);
    for (const path of ['/customers/acme', '/organizations/acme', '/v1/organizations/acme']) {
      assert.deepEqual(dataOf(await send(path)), dataOf(canonical), path);
    }
    const { meta } = canonical.json as { meta: { version: string; timestamp: string } };
    assert.equal(meta.version, '1.0.0');
    assert.match(meta.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('wraps a resource below /v1, and returns it bare at the paths of the specification', async () => {
    const bare = await send('/api-keys', {}, 'POST', JSON.stringify({ customer: 'acme', name: 'bare' }));
    const { id } = bare.json as { id: string };
    assert.ok(id);
    const wrapped = await send(`/v1/api-keys/${id}`);
    assert.deepEqual(dataOf(wrapped), (await send(`/api-keys/${id}`)).json);
  });

  it('chooses a version by Accept, by a parameter or by the path, and lists the existing ones', async () => {
    const vendor = { accept: 'application/vnd.onevault.v1+json' };
    for (const path of ['/customers/acme', '/v1/customers/acme', '/customers/acme?version=1']) {
      const response = await send(path, vendor);
      assert.equal(response.status, 200, response.text);
      assert.match(response.headers['content-type']!, /^application\/vnd\.onevault\.v1\+json/);
    }
    for (const accept of ['application/vnd.onevault.v9+json', 'text/csv']) {
      const unknown = await send('/customers/acme', { accept });
      assert.deepEqual([unknown.status, errorOf(unknown).code], [406, 'not_acceptable']);
      assert.match(errorOf(unknown).details!, /application\/vnd\.onevault\.v1\+json/);
    }
    assert.equal((await send('/customers/acme', { accept: 'text/html, */*;q=0.1' })).status, 200);
    for (const version of ['2', '', 'one', '1&version=1']) {
      const unknown = await send(`/customers/acme?version=${version}`);
      assert.deepEqual([unknown.status, errorOf(unknown).param], [400, 'version'], version);
      assert.match(errorOf(unknown).details!, /one of: 1/);
    }
  });

  it('returns errors as problem details to clients that accept them', async () => {
    const response = await send('/v1/customers/nobody', { accept: 'application/problem+json' });
    assert.equal(response.status, 404);
    assert.match(response.headers['content-type']!, /^application\/problem\+json/);
    const problem = response.json as Record<string, unknown>;
    assert.equal(problem.type, 'urn:onevault:error:not_found');
    assert.equal(problem.status, 404);
    assert.equal(problem.instance, `urn:uuid:${response.request_id}`);
    assert.match(String(problem.detail), /no customer nobody/);
    const both = await send('/v1/customers/nobody', { accept: 'application/json, application/problem+json' });
    assert.match(both.headers['content-type']!, /^application\/json/);
    assert.equal((await send('/v1/customers/acme', { accept: 'application/problem+json' })).status, 200);
  });

  it('refuses unknown parameters of a path, and names the known ones', async () => {
    const response = await send('/v1/customers?colour=red&per_page=0&per_page=1');
    assert.deepEqual([response.status, errorOf(response).code], [400, 'invalid_request']);
    assert.deepEqual(
      errorOf(response).errors!.map(({ path, code }) => [path, code]),
      [
        ['query.colour', 'unknown_parameter'],
        ['query.per_page', 'duplicate'],
      ],
    );
    assert.match(errorOf(response).details!, /per_page/);
    for (const query of ['__proto__=1', 'constructor=1', '%00=1', 'a[b]=1', `${'x'.repeat(2_000)}=1`]) {
      assert.equal((await send(`/v1/customers/acme?${query}`)).status, 400, query.slice(0, 40));
    }
  });

  it('names every fault of a body at once, at most twenty, and stores nothing', async () => {
    const body = JSON.stringify({ slug: 'Bad', name: 7, markup_basis_points: -1, extra: true });
    const response = await send('/v1/customers', {}, 'POST', body);
    assert.deepEqual([response.status, errorOf(response).code], [422, 'validation_error']);
    assert.deepEqual(
      errorOf(response)
        .errors!.map(({ path, code }) => `${path} ${code}`)
        .toSorted(),
      ['/extra unknown_field', '/markup_basis_points too_small', '/name type', '/slug pattern'],
    );
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`field_${at}`, at]));
    assert.equal(errorOf(await send('/v1/customers', {}, 'POST', JSON.stringify(many))).errors!.length, 20);
  });

  it('distinguishes an unreadable body from one with invalid fields', async () => {
    for (const [body, status, code] of [
      ['{', 400, 'invalid_request'],
      ['', 400, 'invalid_request'],
      ['null', 422, 'validation_error'],
      ['{"slug":"twice","slug":"twice-2"}', 422, 'validation_error'],
      ['{"slug":"a","name":"x","n\\u0061me":"y"}', 422, 'validation_error'],
    ] as const) {
      const response = await send('/v1/customers', {}, 'POST', body);
      assert.deepEqual([response.status, errorOf(response).code], [status, code], body);
    }
    const twice = errorOf(await send('/v1/customers', {}, 'POST', '{"slug":"a","name":"x","name":"y"}'));
    assert.deepEqual(
      twice.errors!.map(({ path, code }) => [path, code]),
      [['/name', 'duplicate']],
    );
    assert.equal((await send('/v1/customers/twice')).status, 404);
    const form = await send('/v1/customers', { 'content-type': 'application/x-www-form-urlencoded' }, 'POST', 'slug=a');
    assert.deepEqual([form.status, errorOf(form).code], [415, 'unsupported_media_type']);
  });

  it('answers HEAD like GET without the body', async () => {
    const response = await send('/v1/customers/acme', {}, 'HEAD');
    assert.deepEqual([response.status, response.text], [200, '']);
  });
});
