import assert from 'node:assert/strict';
import type { Resource } from '../../src/resources/declaration/resource.ts';
import { bearer, type ClientResponse, dataOf, errorOf, nextOf } from '../support/http.ts';
import { offices } from './offices/office-declaration.ts';
import { type OfficeServer, startOfficeServer } from './offices/office-server.ts';

/** The same tables as a list without an end. */
const visits: Resource = { ...offices, kind: 'visit', path: '/visits', paging: 'cursor' };

describe('an unbounded list', () => {
  let server: OfficeServer;
  before(async () => {
    server = await startOfficeServer(visits);
    await server.gateway.newCustomer({ slug: 'acme' });
    for (const [slug, desks] of [
      ['v-b', 2],
      ['v-d', 4],
      ['v-f', 6],
      ['v-h', null],
    ] as const) {
      assert.equal((await create(slug, desks)).status, 201);
    }
  });
  after(() => server.close());

  const send = (
    method: string,
    path: string,
    body?: object,
    key = server.gateway.keys.admin_key,
  ): Promise<ClientResponse> =>
    server.send({ method, path, headers: bearer(key), ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const create = (slug: string, desks: number | null): Promise<ClientResponse> =>
    send('POST', '/v1/visits', { slug, customer: 'acme', title: slug, desks });
  const slugsOf = (response: ClientResponse): string[] => {
    assert.equal(response.status, 200, response.text);
    return dataOf<{ slug: string }[]>(response).map(({ slug }) => slug);
  };

  it('is read in pages by an opaque cursor, without a total count', async () => {
    const first = await send('GET', '/v1/visits?per_page=3&slug[prefix]=v-');
    const { meta } = first.json as { meta: { pagination: { next_cursor: string; has_more: boolean } } };
    assert.deepEqual(
      { ...meta.pagination, next_cursor: '' },
      {
        per_page: 3,
        has_more: true,
        next_cursor: '',
        total_estimate: null,
      },
    );
    assert.ok(!Buffer.from(meta.pagination.next_cursor, 'base64url').includes('v-f'));
    const rest = await send('GET', nextOf(first)!);
    assert.deepEqual([...slugsOf(first), ...slugsOf(rest)], ['v-b', 'v-d', 'v-f', 'v-h']);
    assert.equal((await send('GET', '/v1/visits?page=1')).status, 400);
  });

  it('shows the knowledge of its first page: rows that arrive or move meanwhile are neither repeated nor lost', async () => {
    const first = await send('GET', '/v1/visits?per_page=2&sort=desks&slug[prefix]=v-');
    assert.deepEqual(slugsOf(first), ['v-b', 'v-d']);
    await create('v-a', 1);
    await create('v-e', 5);
    await send('PATCH', '/visits/v-b', { desks: 9 });
    await send('PATCH', '/visits/v-f', { desks: 0 });
    assert.deepEqual(slugsOf(await send('GET', nextOf(first)!)), ['v-f', 'v-h']);
    assert.deepEqual(slugsOf(await send('GET', '/v1/visits?sort=desks&slug[prefix]=v-')), [
      ...['v-f', 'v-a', 'v-d', 'v-e', 'v-b', 'v-h'],
    ]);
  });

  it('refuses a cursor of another filter, order, list or key, and a changed cursor', async () => {
    const first = await send('GET', '/v1/visits?per_page=1&desks[gt]=0');
    const { meta } = first.json as { meta: { pagination: { next_cursor: string } } };
    const cursor = meta.pagination.next_cursor;
    assert.equal((await send('GET', `/v1/visits?per_page=2&desks[gt]=0&cursor=${cursor}`)).status, 200);
    const auditor = await server.gateway.admin('POST', '/api-keys', { name: 'a', scopes: ['auditor'] });
    const { key } = auditor.json as { key: string };
    for (const [query, by] of [
      [`desks[gt]=1&cursor=${cursor}`, undefined],
      [`cursor=${cursor}`, undefined],
      [`desks[gt]=0&sort=desks&cursor=${cursor}`, undefined],
      [`desks[gt]=0&cursor=${cursor[0] === 'A' ? 'B' : 'A'}${cursor.slice(1)}`, undefined],
      [`desks[gt]=0&cursor=${cursor}`, key],
      ['desks[gt]=0&cursor=x', undefined],
    ] as const) {
      const refused = await send('GET', `/v1/visits?${query}`, undefined, by);
      assert.deepEqual([refused.status, errorOf(refused).reason], [400, 'cursor_mismatch'], query);
    }
  });
});
