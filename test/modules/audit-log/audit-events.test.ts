import assert from 'node:assert/strict';
import { controlContracts } from '../../../src/modules/routes.ts';
import { scopesWith } from '../../../src/resources/access/permissions.ts';
import { testRegistry } from '../../support/calls.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, errorOf, until } from '../../support/http.ts';

interface EventBody {
  readonly event_id: string;
  readonly occurred_at: string;
  readonly actor_kind: string;
  readonly actor: string;
  readonly action: string;
  readonly subject_kind: string;
  readonly subject: string | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly request_id: string | null;
  readonly request_ip: string | null;
  readonly user_agent: string | null;
  readonly event_count: number;
  readonly customers: readonly string[];
}

interface EventPage {
  readonly data: readonly EventBody[];
  readonly links: { readonly next: string | null };
}

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };

const routes = controlContracts(testRegistry());

const eventsOf = (response: ClientResponse): readonly EventBody[] => {
  assert.equal(response.status, 200, response.text);
  return (response.json as EventPage).data;
};

const pathOf = (path: string): string =>
  path
    .replace(':slug', 'acme')
    .replace(':id', '00000000-0000-7000-8000-000000000000')
    .replace(':request_id', '00000000-0000-7000-8000-000000000000')
    .replace(':entity', 'customer_config_s')
    .replace(':business_key', 'acme')
    .replaceAll(/:\w+/g, '00000000-0000-7000-8000-000000000000');

// An auditor checks what was done with it, and needs none of it for that.
const PERSONAL = ['/v1/customers/:slug/contact', '/v1/customers/:slug/contact/history', '/v1/privacy/exports/:subject'];

// Node sends no length with a body that DELETE does not expect.
const bodyOf = (method: string): object | undefined => (['post', 'put'].includes(method) ? {} : undefined);

describe('the audit events of the control plane', () => {
  let gateway: TestGateway;
  let admin_id: string;
  let auditor: { key: string; id: string };

  before(async () => {
    gateway = await startTestGateway({ audit: { window_ms: 200 } });
    await gateway.newCustomer({ slug: 'acme' });
    const made = await gateway.admin('POST', '/api-keys', { name: 'auditor', scopes: ['auditor'] });
    assert.equal(made.status, 201, made.text);
    auditor = made.json as { key: string; id: string };
    const keys = (await gateway.admin('GET', '/api-keys')).json as {
      data: { id: string; scopes: string[] }[];
    };
    admin_id = keys.data.find(({ scopes }) => scopes.includes('admin'))!.id;
  });
  after(() => gateway.close());

  const asAuditor = (method: string, path: string, body?: unknown): Promise<ClientResponse> =>
    gateway.send({
      method,
      path,
      headers: bearer(auditor.key),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  /** The events that HTTP requests with these ids left. */
  const recordedFor = async (...responses: readonly ClientResponse[]): Promise<EventBody[]> => {
    const all = eventsOf(await gateway.admin('GET', '/v1/audit/events?limit=1000'));
    return all.filter(({ request_id }) => responses.some((response) => response.request_id === request_id));
  };

  it('name the creator of the first keys at the first start', async () => {
    const all = eventsOf(await asAuditor('GET', '/v1/audit/events?actor=first%20start'));
    assert.deepEqual(
      all.map(({ action, actor_kind }) => [action, actor_kind]),
      [
        ['customer.create', 'system'],
        ['api_key.create', 'system'],
        ['api_key.create', 'system'],
      ],
    );
    assert.deepEqual(
      all.map(({ customers }) => customers),
      [['demo'], ['demo'], []],
    );
  });

  it('contain the author, origin, earlier and later state of a change, and no secret', async () => {
    const made = await gateway.send({
      method: 'POST',
      path: '/customers',
      body: JSON.stringify({ slug: 'told', cost_budget_daily: '1' }),
      headers: { ...bearer(gateway.keys.admin_key), 'user-agent': 'curl/8' },
    });
    const key = await gateway.admin('POST', '/api-keys', { customer: 'told', name: 'ci of Jane' });
    const { id, key: secret } = key.json as { id: string; key: string };
    const gone = await gateway.admin('DELETE', `/api-keys/${id}`);
    const recorded = await recordedFor(made, key, gone);
    assert.equal(recorded.length, 3);
    const [created, issued, revoked] = recorded;
    assert.deepEqual(
      { ...created, event_id: '', occurred_at: '', after: null },
      {
        event_id: '',
        occurred_at: '',
        actor_kind: 'administrator',
        actor: admin_id,
        action: 'customer.create',
        subject_kind: 'customer',
        subject: 'told',
        outcome: 'succeeded',
        reason: null,
        before: null,
        after: null,
        request_id: made.request_id,
        request_ip: '127.0.0.1',
        user_agent: 'curl/8',
        event_count: 1,
        customers: ['told'],
      },
    );
    assert.equal(created!.after!.cost_budget_daily, '1000000000000');
    assert.equal(issued!.after!.key_status, 'ACTIVE');
    assert.deepEqual(
      [revoked!.before!.key_status, revoked!.after!.key_status, revoked!.subject, revoked!.customers],
      ['ACTIVE', 'REVOKED', id, ['told']],
    );
    const text = JSON.stringify(recorded);
    for (const hidden of [secret.slice(8), 'key_sha256', 'Jane', 'api_key_encrypted']) {
      assert.ok(!text.includes(hidden), hidden);
    }
  });

  it('are written together with the change: both or neither', async () => {
    const [row] = await gateway.database.sql<{ same: boolean }[]>`
      select bool_and(s.load_date = c.load_date and s.xmin = c.xmin) as same
      from audit.audit_event_s s
      join audit.audit_event_customer_l l using (audit_event_hk)
      join gateway.customer_config_s c using (customer_hk)
      where s.action = 'customer.create'`;
    assert.equal(row!.same, true);
  });

  it('report changes without effect, and refused changes with the reason', async () => {
    const responses = [
      await gateway.admin('POST', '/customers', { slug: 'acme' }),
      await gateway.admin('POST', '/customers', { slug: 'acme', name: 'Other' }),
      await gateway.admin('POST', '/customers', { slug: 'Bad Slug' }),
      await gateway.admin('POST', '/api-keys', 'no form'),
      await gateway.admin('GET', '/customers/nobody'),
    ];
    assert.deepEqual(
      (await recordedFor(...responses)).map(({ subject, outcome, reason, customers }) => [
        ...[subject, outcome, reason, customers.length],
      ]),
      [
        ['acme', 'succeeded', null, 1],
        ['acme', 'refused', 'already_exists', 0],
        [null, 'refused', 'invalid_request', 0],
        [null, 'refused', 'invalid_request', 0],
        ['nobody', 'refused', 'not_found', 0],
      ],
    );
  });

  it('name the customers whose data a read showed', async () => {
    const called = await gateway.chat(HELLO);
    await gateway.drain();
    const reads = [
      '/customers/acme',
      '/customers',
      '/api-keys?customer=acme',
      `/requests/${called.request_id}`,
      '/vault/entities',
      '/vault/customer_config_s/acme/history',
      `/vault/api_request_s/${called.request_id}`,
      '/vault/model_price_s/gpt-4o,openai',
      '/v1/audit/events?customer=acme',
    ];
    const responses: ClientResponse[] = [];
    for (const path of reads) responses.push(await asAuditor('GET', path));
    const recorded = await recordedFor(...responses);
    assert.deepEqual(
      recorded.map(({ action, subject, customers }) => [action, subject, customers]),
      [
        ['customer.read', 'acme', ['acme']],
        ['customer.list', null, ['acme', 'demo', 'told']],
        ['api_key.list', null, ['acme']],
        ['request.read', called.request_id, ['demo']],
        ['vault.list', null, []],
        ['vault.read', 'customer_config_s/acme', ['acme']],
        ['vault.read', `api_request_s/${called.request_id}`, ['demo']],
        ['vault.read', 'model_price_s/gpt-4o,openai', []],
        ['audit.read', 'acme', ['acme']],
      ],
    );
    assert.ok(recorded.every(({ actor_kind, actor }) => actor_kind === 'auditor' && actor === auditor.id));
  });

  it('are written by every route, for every kind of key that it admits', async () => {
    for (const { method, path, permission, action } of routes) {
      const response = await gateway.admin(method.toUpperCase(), pathOf(path), bodyOf(method));
      const recorded = await recordedFor(response);
      const name = `${method} ${path}`;
      if (permission === null) {
        assert.deepEqual(recorded, [], name);
        continue;
      }
      assert.deepEqual([recorded.length, recorded[0]!.action], [1, action], name);
    }
  });

  it('exist only for routes that require a key, unless the route is public by design', () => {
    assert.deepEqual(
      routes.filter(({ permission }) => permission === null).map(({ method, path }) => `${method} ${path}`),
      ['get /v1/audit/checkpoint', 'get /v1/audit/keys', 'get /v1/audit/consistency', 'post /v1/audit/cosignatures'],
    );
  });

  it('allow an auditor to read everything except plain personal data, and to write nothing', async () => {
    for (const { method, path, permission } of routes.filter((each) => each.permission !== null)) {
      const { status } = await asAuditor(method.toUpperCase(), pathOf(path), bodyOf(method));
      const is_shown = method === 'get' && !PERSONAL.includes(path);
      assert.equal(scopesWith(permission!).includes('auditor'), is_shown, `${method} ${path}`);
      assert.equal(status === 403, !is_shown, `${method} ${path}: ${status}`);
    }
    assert.equal((await gateway.chat(HELLO, auditor.key)).status, 403, 'an auditor makes no calls');
  });

  it('are visible to the customer whom they concern, without addresses', async () => {
    const { key } = await gateway.newCustomer({ slug: 'curious' });
    await asAuditor('GET', '/customers/curious');
    await asAuditor('GET', '/customers');
    const mine = eventsOf(await gateway.send({ path: '/v1/audit/events', headers: bearer(key) }));
    assert.deepEqual(
      mine.map(({ action }) => action),
      ['customer.create', 'api_key.create', 'customer.read', 'customer.list'],
    );
    for (const event of mine) {
      assert.deepEqual(
        [event.customers, event.request_ip, event.user_agent, event.request_id],
        [['curious'], null, null, null],
      );
    }
    const other = await gateway.send({ path: '/v1/audit/events?customer=acme', headers: bearer(key) });
    assert.equal(other.status, 403);
    assert.equal((await gateway.send({ path: '/customers', headers: bearer(key) })).status, 403);
  });

  it('are listed by time in pages, and by actor, action and period', async () => {
    const all = eventsOf(await gateway.admin('GET', '/v1/audit/events?limit=1000'));
    const ids = all.map(({ event_id }) => event_id);
    assert.deepEqual(ids, ids.toSorted());
    const paged: string[] = [];
    for (let path: string | null = '/v1/audit/events?per_page=7'; path !== null; ) {
      const page = (await gateway.admin('GET', path)).json as EventPage;
      paged.push(...page.data.map(({ event_id }) => event_id));
      path = paged.length > ids.length ? null : page.links.next;
    }
    assert.deepEqual(paged.slice(0, ids.length), ids);
    const [middle] = all.slice(all.length / 2);
    const since = eventsOf(await gateway.admin('GET', `/v1/audit/events?limit=1000&from=${middle!.occurred_at}`));
    assert.ok(since.every(({ occurred_at }) => occurred_at >= middle!.occurred_at));
    const until_then = eventsOf(await gateway.admin('GET', `/v1/audit/events?limit=1000&to=${middle!.occurred_at}`));
    assert.ok(until_then.every(({ occurred_at }) => occurred_at < middle!.occurred_at));
    assert.ok(since.length + until_then.length > all.length);
    for (const query of ['from=today', 'to=2026-02-30T00:00:00Z', 'limit=0', 'actor=%00', 'action=a&action=b']) {
      assert.equal((await gateway.admin('GET', `/v1/audit/events?${query}`)).status, 400, query);
    }
  });

  describe('about failed log-ins', () => {
    const failuresOf = async (reason: string): Promise<EventBody[]> =>
      eventsOf(await gateway.admin('GET', '/v1/audit/events?action=login.fail&limit=1000')).filter(
        (event) => event.reason === reason,
      );
    const tryKey = (headers: Record<string, string>, path = '/customers') => gateway.send({ path, headers });

    it('report the first at once, and equal ones within the minute as one', async () => {
      const wrong = `sk_${'A'.repeat(43)}`;
      const first = await tryKey(bearer(wrong));
      assert.equal(errorOf(first).reason, 'invalid_api_key');
      const [recorded] = await recordedFor(first);
      assert.deepEqual(
        [recorded!.actor_kind, recorded!.actor, recorded!.outcome, recorded!.subject, recorded!.event_count],
        ['unknown', 'sk_AAAAA…', 'refused', 'GET /customers', 1],
      );
      await Promise.all(Array.from({ length: 40 }, () => tryKey(bearer(wrong), '/api-keys')));
      const count = async () =>
        (await failuresOf('invalid_api_key'))
          .filter(({ actor }) => actor === 'sk_AAAAA…')
          .map(({ event_count }) => event_count);
      await until(async () => (await count()).reduce((sum, each) => sum + each, 0) === 41, 'all are told');
      assert.ok((await count()).length <= 6, 'in a few events');
    });

    it('name the known key, and the reason of the refusal', async () => {
      const { key, id } = (await gateway.admin('POST', '/api-keys', { customer: 'acme', name: 'x' })).json as {
        key: string;
        id: string;
      };
      await tryKey(bearer(key));
      await gateway.admin('DELETE', `/api-keys/${id}`);
      await tryKey(bearer(key));
      const recorded = [...(await failuresOf('forbidden')), ...(await failuresOf('revoked_api_key'))].filter(
        ({ actor }) => actor === id,
      );
      assert.deepEqual(
        recorded.map(({ reason, actor_kind, customers }) => [reason, actor_kind, customers]),
        [
          ['forbidden', 'customer', ['acme']],
          ['revoked_api_key', 'customer', ['acme']],
        ],
      );
    });

    it('report a missing key, an expired key and a forbidden address', async () => {
      await tryKey({});
      const expired = { name: 'old', scopes: ['auditor'], expires_at: '2020-01-01T00:00:00Z' };
      const foreign = { name: 'far', scopes: ['auditor'], allowed_ips: ['203.0.113.9'] };
      for (const input of [expired, foreign]) {
        const { key } = (await gateway.admin('POST', '/api-keys', input)).json as { key: string };
        await tryKey(bearer(key));
      }
      assert.equal((await failuresOf('missing_api_key')).length >= 1, true);
      assert.equal((await failuresOf('expired_api_key'))[0]!.actor_kind, 'auditor');
      assert.ok((await failuresOf('forbidden')).some(({ actor_kind }) => actor_kind === 'auditor'));
    });

    it('store no part of a secret in a foreign form, because it may be a password', async () => {
      const response = await tryKey({ authorization: 'Bearer hunter2-hunter2' });
      assert.deepEqual(
        (await recordedFor(response)).map(({ actor }) => actor),
        ['unknown'],
      );
      const all = await gateway.admin('GET', '/v1/audit/events?limit=1000');
      assert.ok(!all.text.includes('hunter2'));
    });

    it('cannot fill the vault, even if each has another key', async () => {
      const before_flood = (await failuresOf('invalid_api_key')).length;
      const secret = (at: number) => `sk_${String(at).padStart(5, '0')}${'B'.repeat(38)}`;
      for (let at = 0; at < 300; at += 30) {
        await Promise.all(Array.from({ length: 30 }, (_, more) => tryKey(bearer(secret(at + more)))));
      }
      const flood = async () => (await failuresOf('invalid_api_key')).slice(before_flood);
      const sum = (events: readonly EventBody[]) => events.reduce((total, each) => total + each.event_count, 0);
      await until(async () => sum(await flood()) === 300, 'all of the flood are told');
      assert.ok((await flood()).length < 200, `${(await flood()).length} events`);
    });
  });

  describe('whose writing fails', () => {
    it('stop their request: nothing is written, shown or logged', async () => {
      const { sql } = gateway.database;
      await sql`create function pg_temp_refuse() returns trigger language plpgsql as $$
        begin raise exception 'the disk is full'; end $$`;
      await sql`create trigger refuse_all before insert on audit.audit_event_s
        for each statement execute function pg_temp_refuse()`;
      try {
        const secret = `sk_${'C'.repeat(43)}`;
        for (const response of [
          await gateway.admin('GET', '/customers/acme'),
          await gateway.admin('GET', '/v1/audit/events'),
          await gateway.admin('POST', '/customers', { slug: 'untold' }),
          await gateway.send({ path: '/customers', headers: bearer(secret) }),
        ]) {
          assert.equal(response.status, 503, response.text);
          assert.deepEqual(
            [errorOf(response).code, errorOf(response).reason],
            ['service_unavailable', 'audit_unavailable'],
          );
          assert.ok(!response.text.includes('acme'));
        }
      } finally {
        await sql`drop trigger refuse_all on audit.audit_event_s`;
      }
      assert.equal((await gateway.admin('GET', '/customers/untold')).status, 404);
      gateway.logged.length = 0;
    });
  });
});
