import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openApiDocument } from '../../src/http/openapi.ts';
import { bearer, type ClientResponse, dataOf, errorOf } from '../support/http.ts';
import { offices } from './offices/office-declaration.ts';
import { type OfficeServer, startOfficeServer } from './offices/office-server.ts';

interface Office {
  readonly slug: string;
  readonly customer: string;
  readonly title: string;
  readonly office_status: string;
  readonly desks: number | null;
  readonly rent: string;
  readonly floor_plan: Record<string, unknown>;
  readonly opened_at: string | null;
  readonly [field: string]: unknown;
}

interface State extends Office {
  readonly applied_from: string;
  readonly applied_until: string | null;
  readonly recorded_at: string;
  readonly etag: string;
}

const DECLARATION = new URL('./offices/office-declaration.ts', import.meta.url);

describe('a new resource', () => {
  let server: OfficeServer;
  let auditor: string;
  before(async () => {
    server = await startOfficeServer(offices);
    for (const slug of ['acme', 'other']) await server.gateway.newCustomer({ slug });
    const made = await server.gateway.admin('POST', '/api-keys', { name: 'auditor', scopes: ['auditor'] });
    auditor = (made.json as { key: string }).key;
  });
  after(() => server.close());

  const send = (
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<ClientResponse> =>
    server.send({
      method,
      path,
      headers: { ...bearer(server.gateway.keys.admin_key), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const create = async (slug: string, fields: object = {}): Promise<ClientResponse> => {
    const response = await send('POST', '/v1/offices', { body: { slug, customer: 'acme', title: slug, ...fields } });
    assert.equal(response.status, 201, response.text);
    return response;
  };
  const list = async (query: string): Promise<string[]> => {
    const response = await send('GET', `/v1/offices?${query}`);
    assert.equal(response.status, 200, `${query} ${response.text}`);
    return dataOf<Office[]>(response).map(({ slug }) => slug);
  };
  const rowsOf = async (slug: string): Promise<number> => {
    const [row] = await server.gateway.database.sql<[{ rows: number }]>`
      select count(*) as rows
      from gateway.office_s s
      join gateway.office_h h using (office_hk)
      where h.office_bk = ${slug}`;
    return row.rows;
  };
  const eventsOf = (subject: string) => server.gateway.database.sql<
    { action: string; outcome: string; reason: string | null; before: Office | null; after: Office | null }[]
  >`
    select s.action, s.outcome, s.reason, s.before, s.after
    from audit.audit_event_s s
    join audit.audit_event_h h using (audit_event_hk)
    where s.subject = ${subject}
    order by h.audit_event_bk`;

  it('needs one declaration of at most forty lines besides its schemas and its migration', () => {
    const [, declaration] = readFileSync(DECLARATION, 'utf8').split('export const');
    assert.ok(declaration!.split('\n').length <= 40, String(declaration));
  });

  it('is created with its defaults, and returns its location and version', async () => {
    const made = await create('berlin', {
      opened_at: '2026-01-31T01:00:00+02:00',
      languages: ['de'],
      door_code: '1234',
    });
    assert.equal(made.headers.location, '/v1/offices/berlin');
    assert.match(made.headers.etag!, /^"[0-9a-f]{64}"$/);
    const { created_at, ...shown } = dataOf<Office>(made);
    assert.ok(Date.parse(created_at as string) > 0);
    assert.deepEqual(shown, {
      slug: 'berlin',
      customer: 'acme',
      title: 'berlin',
      office_status: 'OPEN',
      desks: null,
      rent: '0',
      has_lift: false,
      floor_plan: {},
      languages: ['de'],
      built_on: null,
      opened_at: '2026-01-30T23:00:00.000Z',
      caretaker: null,
    });
    for (const path of ['/v1/offices/berlin', '/offices/berlin']) {
      const read = await send('GET', path);
      assert.deepEqual(dataOf(read), dataOf(made));
      assert.equal(read.headers.etag, made.headers.etag);
    }
  });

  it('is returned again for an equal request, and refused with other content', async () => {
    await create('twice', { desks: 1 });
    const body = { slug: 'twice', customer: 'acme', title: 'twice', desks: 1 };
    assert.equal((await send('POST', '/v1/offices', { body })).status, 200);
    for (const other of [{ desks: 2 }, { customer: 'other' }]) {
      const refused = await send('POST', '/v1/offices', { body: { ...body, ...other } });
      assert.deepEqual([refused.status, errorOf(refused).reason], [409, 'already_exists']);
    }
    assert.equal(await rowsOf('twice'), 1);
  });

  it('refuses reserved words of the API as names', async () => {
    for (const slug of ['history', 'batch', 'me', 'v1', 'v12', 'api-keys', 'runs']) {
      const response = await send('POST', '/v1/offices', { body: { slug, customer: 'acme', title: 'x' } });
      assert.deepEqual(
        [response.status, errorOf(response).reason, errorOf(response).param],
        [422, 'reserved_name', 'slug'],
        slug,
      );
    }
  });

  it('is changed by a merge patch: omitted fields stay, null clears a field, objects are merged', async () => {
    const made = await create('patch', { desks: 5, floor_plan: { hall: { size: 20, door: true }, roof: 1 } });
    const body = { desks: null, floor_plan: { hall: { door: null, light: 'on' }, roof: null } };
    const changed = await send('PATCH', '/v1/offices/patch', { body, headers: { 'if-match': made.headers.etag! } });
    assert.equal(changed.status, 200, changed.text);
    const after = dataOf<Office>(changed);
    assert.deepEqual(
      [after.desks, after.floor_plan, after.title],
      [null, { hall: { size: 20, light: 'on' } }, 'patch'],
    );
    assert.notEqual(changed.headers.etag, made.headers.etag);
  });

  it('is replaced by PUT: omitted fields get their defaults', async () => {
    const made = await create('put', { desks: 5, rent: '12.50', has_lift: true });
    const headers = { 'if-match': made.headers.etag! };
    const replaced = await send('PUT', '/v1/offices/put', { body: { title: 'New' }, headers });
    assert.equal(replaced.status, 200, replaced.text);
    const { title, desks, rent, has_lift } = dataOf<Office>(replaced);
    assert.deepEqual([title, desks, rent, has_lift], ['New', null, '0', false]);
  });

  it('requires If-Match below /v1, accepts it on its alias, and names the fields that differ from an old version', async () => {
    const made = await create('match', { desks: 1 });
    const missing = await send('PATCH', '/v1/offices/match', { body: { desks: 2 } });
    assert.deepEqual([missing.status, errorOf(missing).code], [428, 'precondition_required']);
    assert.equal((await send('PATCH', '/offices/match', { body: { desks: 2 } })).status, 200);
    const stale = { 'if-match': made.headers.etag! };
    for (const path of ['/v1/offices/match', '/offices/match']) {
      const refused = await send('PATCH', path, { body: { desks: 3 }, headers: stale });
      assert.deepEqual([refused.status, errorOf(refused).code], [412, 'version_conflict']);
      const { details } = (refused.json as { error: { details: Record<string, unknown> } }).error;
      assert.deepEqual(details.differing_fields, ['desks']);
      assert.equal(details.current_etag, (await send('GET', path)).headers.etag);
    }
    const unknown = await send('PATCH', '/offices/match', { body: { desks: 3 }, headers: { 'if-match': '"0"' } });
    assert.equal(unknown.status, 412);
    assert.equal(
      (await send('PATCH', '/v1/offices/match', { body: { desks: 3 }, headers: { 'if-match': '*' } })).status,
      200,
    );
    assert.equal(await rowsOf('match'), 3);
  });

  it('is created by PUT only with If-None-Match, and never over an existing one', async () => {
    const headers = { 'if-none-match': '*' };
    const made = await send('PUT', '/v1/offices/by-put', { body: { title: 'x' }, headers });
    // An office belongs to a customer, which no PUT can name.
    assert.deepEqual([made.status, errorOf(made).param], [422, 'customer']);
    await create('stands');
    const refused = await send('PUT', '/v1/offices/stands', { body: { title: 'x' }, headers });
    assert.equal(refused.status, 412);
  });

  it('writes neither a row nor a change for an equal state', async () => {
    const made = await create('same', { desks: 1 });
    const headers = { 'if-match': made.headers.etag! };
    const again = await send('PATCH', '/v1/offices/same', { body: { desks: 1, rent: '0' }, headers });
    assert.deepEqual([again.status, again.headers.etag], [200, made.headers.etag]);
    assert.equal(await rowsOf('same'), 1);
    const events = (await eventsOf('same')).filter(({ after }) => after !== null);
    assert.deepEqual(
      events.map(({ action }) => action),
      ['office.create'],
    );
  });

  it('applies each of many concurrent changes', async () => {
    await create('busy');
    const changes = [{ desks: 7 }, { rent: '3' }, { has_lift: true }, { languages: ['fr'] }, { caretaker: 'Jo' }];
    const responses = await Promise.all(changes.map((body) => send('PATCH', '/offices/busy', { body })));
    assert.ok(responses.every(({ status }) => status === 200));
    const now = dataOf<Office>(await send('GET', '/v1/offices/busy'));
    for (const change of changes) assert.deepEqual({ ...now, ...change }, now);
    assert.equal(await rowsOf('busy'), 6);
  });

  it('applies only one of many concurrent changes of one version', async () => {
    const made = await create('race', { desks: 0 });
    const headers = { 'if-match': made.headers.etag! };
    const responses = await Promise.all(
      Array.from({ length: 6 }, (_, at) => send('PATCH', '/v1/offices/race', { body: { desks: at + 1 }, headers })),
    );
    assert.deepEqual(responses.map(({ status }) => status).toSorted(), [200, 412, 412, 412, 412, 412]);
  });

  it('returns 304 to a client that has the version', async () => {
    const made = await create('cached');
    const same = await send('GET', '/v1/offices/cached', { headers: { 'if-none-match': made.headers.etag! } });
    assert.deepEqual([same.status, same.text, same.headers.etag], [304, '', made.headers.etag]);
    assert.equal((await send('GET', '/v1/offices/cached', { headers: { 'if-none-match': '"0"' } })).status, 200);
  });

  it('supports a dry run of each write: it returns the result, and writes only the event', async () => {
    const body = { slug: 'rehearsed', customer: 'acme', title: 'x', desks: 3 };
    const made = await send('POST', '/v1/offices?dry_run=true', { body });
    assert.deepEqual([made.status, dataOf<Office>(made).desks], [200, 3]);
    assert.equal((await send('GET', '/v1/offices/rehearsed')).status, 404);
    await create('real', { desks: 1 });
    const changed = await send('PATCH', '/offices/real?dry_run=true', { body: { desks: 2 } });
    assert.deepEqual([changed.status, dataOf<Office>(changed).desks], [200, 2]);
    assert.equal((await send('DELETE', '/offices/real?dry_run=true')).status, 200);
    const invalid = await send('PATCH', '/offices/real?dry_run=true', { body: { desks: -1 } });
    assert.equal(invalid.status, 422);
    assert.equal(dataOf<Office>(await send('GET', '/v1/offices/real')).desks, 1);
    assert.equal(await rowsOf('real'), 1);
    const dry = (await eventsOf('real')).filter(({ action }) => action.endsWith('.dry_run'));
    assert.deepEqual(
      dry.map(({ action, outcome, after }) => [action, outcome, after?.desks ?? null]),
      [
        ['office.update.dry_run', 'succeeded', 2],
        ['office.delete.dry_run', 'succeeded', 1],
      ],
    );
  });

  it('ends in a final state, and is then listed only on request', async () => {
    await create('ending');
    const ended = await send('DELETE', '/v1/offices/ending');
    assert.deepEqual([ended.status, dataOf<Office>(ended).office_status], [200, 'CLOSED']);
    const again = await send('DELETE', '/v1/offices/ending');
    assert.deepEqual([again.status, dataOf(again)], [200, dataOf(ended)]);
    assert.equal(await rowsOf('ending'), 2);
    const refused = await send('PATCH', '/offices/ending', { body: { desks: 1 } });
    assert.deepEqual([refused.status, errorOf(refused).reason], [409, 'wrong_state']);
    assert.equal((await send('GET', '/v1/offices/ending')).status, 200);
    assert.ok(!(await list('per_page=200')).includes('ending'));
    assert.ok((await list('per_page=200&office_status=CLOSED')).includes('ending'));
  });

  it('runs its actions as changes', async () => {
    await create('acted', { desks: 9 });
    const done = await send('POST', '/v1/offices/acted/empty');
    assert.deepEqual([done.status, dataOf<Office>(done).desks], [200, 0]);
    const [, event] = await eventsOf('acted');
    assert.deepEqual([event!.action, event!.before!.desks, event!.after!.desks], ['office.empty', 9, 0]);
  });

  it('has a history, and a state for each applied and each known instant', async () => {
    const first = await create('long', { desks: 1 });
    const second = await send('PATCH', '/offices/long', { body: { desks: 2 } });
    await send('PATCH', '/offices/long', { body: { desks: 3 } });
    const states = dataOf<State[]>(await send('GET', '/v1/offices/long/history'));
    assert.deepEqual(
      states.map(({ desks }) => desks),
      [1, 2, 3],
    );
    assert.deepEqual(
      states.map(({ applied_until }) => applied_until),
      [states[1]!.applied_from, states[2]!.applied_from, null],
    );
    assert.deepEqual([states[0]!.etag, states[1]!.etag], [first.headers.etag, second.headers.etag]);
    for (const { desks, applied_from } of states) {
      const at = await send('GET', `/v1/offices/long?applied=${applied_from}`);
      assert.equal(dataOf<Office>(at).desks, desks);
      assert.equal((at.json as { meta: { applied: string } }).meta.applied, applied_from);
    }
    const known = await send('GET', `/v1/offices/long?known=${states[1]!.recorded_at}`);
    assert.equal(dataOf<Office>(known).desks, 2);
    assert.equal((await send('GET', '/v1/offices/long?applied=2020-01-01T00:00:00Z')).status, 404);
    assert.equal((await send('GET', '/v1/offices/long?known=2999-01-01T00:00:00Z')).status, 400);
    const page = await send('GET', '/v1/offices/long/history?per_page=2&page=2');
    assert.deepEqual(
      dataOf<State[]>(page).map(({ desks }) => desks),
      [3],
    );
    assert.deepEqual(await list(`slug=long&applied=${states[0]!.applied_from}`), ['long']);
    assert.deepEqual(await list('slug=long&applied=2020-01-01T00:00:00Z'), []);
  });

  it('records actor and action in the audit log, without secrets, names and free text', async () => {
    await create('told', { door_code: '9876', caretaker: 'Jane', title: 'At Jane’s', desks: 4 });
    await send('PATCH', '/offices/told', { body: { desks: 5 } });
    await send('GET', '/v1/offices/told');
    await send('PATCH', '/offices/told', { body: { desks: -5 } });
    const events = await eventsOf('told');
    assert.deepEqual(
      events.map(({ action, outcome, reason }) => [action, outcome, reason]),
      [
        ['office.create', 'succeeded', null],
        ['office.update', 'succeeded', null],
        ['office.read', 'succeeded', null],
        ['office.update', 'refused', 'invalid_request'],
      ],
    );
    assert.deepEqual([events[1]!.before!.desks, events[1]!.after!.desks], [4, 5]);
    assert.equal(events[0]!.after!.customer, 'acme');
    assert.ok(!/9876|Jane|door_code|caretaker|title/.test(JSON.stringify(events)));
    const mail = await send('PATCH', '/offices/told', { body: { title: 'ask jo@example.com' } });
    assert.deepEqual([mail.status, errorOf(mail).reason], [422, 'personal_data']);
  });

  it('shows personal data only to administrators, secrets to nobody, and nothing to customers', async () => {
    await create('private', { door_code: '5555', caretaker: 'Jo' });
    const path = '/v1/offices/private';
    assert.equal(dataOf<Office>(await send('GET', path)).caretaker, 'Jo');
    const seen = await server.send({ path, headers: bearer(auditor) });
    assert.equal(seen.status, 200, seen.text);
    assert.ok(!('caretaker' in dataOf<Office>(seen)));
    assert.ok(!seen.text.includes('5555'));
    assert.equal((await server.send({ path, headers: bearer(server.gateway.keys.api_key) })).status, 403);
    assert.equal((await server.send({ path })).status, 401);
    const write = await server.send({ method: 'DELETE', path, headers: bearer(auditor) });
    const { reason } = errorOf(write);
    assert.deepEqual([write.status, reason], [403, 'missing_permission']);
  });

  it('returns only the requested fields', async () => {
    await create('trimmed', { desks: 1 });
    assert.deepEqual(dataOf(await send('GET', '/v1/offices/trimmed?fields=slug,desks')), { slug: 'trimmed', desks: 1 });
    const refused = await send('GET', '/v1/offices/trimmed?fields=slug,door_code');
    assert.deepEqual([refused.status, errorOf(refused).param], [400, 'fields']);
  });

  it('is described in OpenAPI with the descriptions of the vault', () => {
    const document = openApiDocument(server.routes) as {
      paths: Record<string, Record<string, { operationId: string }>>;
      components: { schemas: Record<string, { properties: Record<string, { description?: string; type: unknown }> }> };
    };
    assert.deepEqual(
      Object.entries(document.paths).map(([path, methods]) => `${path} ${Object.keys(methods).join(' ')}`),
      [
        '/v1/offices get post',
        '/v1/offices/{slug} get patch put delete',
        '/v1/offices/{slug}/empty post',
        '/v1/offices/{slug}/history get',
      ],
    );
    const { properties } = document.components.schemas.Office!;
    assert.equal(properties.desks!.description, 'Number of desks; null: unknown.');
    assert.ok(!('door_code' in properties));
    assert.ok('door_code' in document.components.schemas.NewOffice!.properties);
    assert.ok(!JSON.stringify(document).includes('x-type'));
  });
});
