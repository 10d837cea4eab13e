import assert from 'node:assert/strict';
import { bearer, type ClientResponse, dataOf, errorOf, nextOf } from '../support/http.ts';
import { offices } from './offices/office-declaration.ts';
import { type OfficeServer, startOfficeServer } from './offices/office-server.ts';

interface Office {
  readonly slug: string;
}

describe('the list of a resource', () => {
  let server: OfficeServer;
  before(async () => {
    server = await startOfficeServer(offices);
    for (const slug of ['acme', 'other']) await server.gateway.newCustomer({ slug });
    for (const [slug, fields] of [
      ['l-a', { desks: 1, rent: '10', has_lift: true, languages: ['de', 'fr'], built_on: '1990-01-01' }],
      ['l-b', { desks: 2, rent: '9.50', languages: ['en'], opened_at: '2026-02-01T00:00:00Z' }],
      ['l-c', { desks: null, rent: '100', customer: 'other', opened_at: '2026-03-01T00:00:00Z' }],
      ['l-d', { desks: 2, rent: '2', customer: 'other', built_on: '2000-12-31' }],
    ] as const) {
      await create(slug, fields);
    }
  });
  after(() => server.close());

  const send = (method: string, path: string, body?: object): Promise<ClientResponse> =>
    server.send({
      method,
      path,
      headers: bearer(server.gateway.keys.admin_key),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const create = async (slug: string, fields: object = {}): Promise<void> => {
    const response = await send('POST', '/v1/offices', { slug, customer: 'acme', title: slug, ...fields });
    assert.equal(response.status, 201, response.text);
  };
  const list = async (query: string): Promise<string[]> => {
    const response = await send('GET', `/v1/offices?${query}`);
    assert.equal(response.status, 200, `${query} ${response.text}`);
    return dataOf<Office[]>(response).map(({ slug }) => slug);
  };

  for (const [query, slugs] of [
    ['customer=other', ['l-c', 'l-d']],
    ['customer=other&customer=acme', ['l-a', 'l-b', 'l-c', 'l-d']],
    ['customer[not]=acme', ['l-c', 'l-d']],
    ['desks=2', ['l-b', 'l-d']],
    ['desks=1&desks=2', ['l-a', 'l-b', 'l-d']],
    ['desks[not]=2', ['l-a', 'l-c']],
    ['desks[gt]=1', ['l-b', 'l-d']],
    ['desks[gte]=1&desks[lt]=2', ['l-a']],
    ['rent[lte]=9.5', ['l-b', 'l-d']],
    ['rent=9.50', ['l-b']],
    ['has_lift=true', ['l-a']],
    ['languages=fr', ['l-a']],
    ['languages[not]=fr', ['l-b', 'l-c', 'l-d']],
    ['built_on[lt]=2000-01-01', ['l-a']],
    ['opened_at[gte]=2026-03-01T00:00:00Z', ['l-c']],
    ['slug[prefix]=l-&sort=-rent', ['l-c', 'l-a', 'l-b', 'l-d']],
    ['sort=desks,-rent', ['l-a', 'l-b', 'l-d', 'l-c']],
    ['sort=-desks', ['l-b', 'l-d', 'l-a', 'l-c']],
    ['sort=opened_at', ['l-b', 'l-c', 'l-a', 'l-d']],
  ] as const) {
    it(`returns ${slugs.join(', ')} for ${query}`, async () => {
      assert.deepEqual(
        await list(`slug[prefix]=l-&${query}`.replace('slug[prefix]=l-&slug[prefix]=l-', 'slug[prefix]=l-')),
        slugs,
      );
    });
  }

  for (const sort of ['', 'desks', '-desks', 'rent,-desks', 'opened_at', '-opened_at']) {
    it(`has the same items by page and by cursor, sorted by ${sort === '' ? 'id' : sort}`, async () => {
      const query = `slug[prefix]=l-${sort === '' ? '' : `&sort=${sort}`}`;
      const all = await list(query);
      const first = await send('GET', `/v1/offices?${query}&per_page=3`);
      const { meta, links } = first.json as {
        meta: { pagination: object };
        links: Record<'self' | 'first' | 'last' | 'next', string>;
      };
      assert.deepEqual(meta.pagination, { page: 1, per_page: 3, total: 4, pages: 2 });
      const second = await send('GET', links.next);
      assert.deepEqual(
        [...dataOf<Office[]>(first), ...dataOf<Office[]>(second)].map(({ slug }) => slug),
        all,
      );
      assert.equal(nextOf(second), null);
      assert.deepEqual(dataOf(await send('GET', links.last)), dataOf(second));
    });
  }

  it('continues after an id with the old parameters, and by cursor from there', async () => {
    const walked: string[] = [];
    let path: string | null = '/v1/offices?slug[prefix]=l-&limit=1&after=l-a';
    while (path !== null) {
      const response: ClientResponse = await send('GET', path);
      assert.equal(response.status, 200, response.text);
      walked.push(...dataOf<Office[]>(response).map(({ slug }) => slug));
      path = nextOf(response);
    }
    assert.deepEqual(walked, ['l-b', 'l-c', 'l-d']);
  });

  it('refuses unknown filters, sorts and values, and names the parameter', async () => {
    for (const [query, param] of [
      ['title=x', 'title'],
      ['door_code=5555', 'door_code'],
      ['caretaker=Jo', 'caretaker'],
      ['desks=two', 'desks'],
      ['desks=1.5', 'desks'],
      ['desks=99999999999', 'desks'],
      ['desks[prefix]=1', 'desks[prefix]'],
      ['rent=1e3', 'rent'],
      ['has_lift=yes', 'has_lift'],
      ['built_on=2026-02-30', 'built_on'],
      ['opened_at=today', 'opened_at'],
      ['office_status=GONE', 'office_status'],
      ['sort=caretaker', 'sort'],
      ['sort=-', 'sort'],
      ['sort=desks;drop', 'sort'],
      ['slug=%00', 'slug'],
      ['page=0', 'page'],
      ['page=x', 'page'],
      ['per_page=201', 'per_page'],
      ['cursor=AAAA', 'cursor'],
      ['cursor=', 'cursor'],
      ['sort=desks&after=l-a', 'after'],
      [`slug=${'x'.repeat(300)}`, 'slug'],
      [Array.from({ length: 51 }, () => 'slug=a').join('&'), 'slug'],
    ] as const) {
      const response = await send('GET', `/v1/offices?${query}`);
      assert.deepEqual([response.status, errorOf(response).param], [400, param], `${query} ${response.text}`);
    }
  });
});
