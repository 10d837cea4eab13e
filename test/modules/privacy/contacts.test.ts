import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, dataOf, errorOf } from '../../support/http.ts';

interface ContactBody {
  readonly customer: string;
  readonly contact: { readonly legal_name?: string; readonly erased?: boolean } | null;
  readonly since: string | null;
  readonly erasure_id: string | null;
}

const WHOLE = {
  legal_name: 'Zoë’s Praxis',
  people: [
    { role: 'primary', name: 'Zoë Ünlü', email: 'zoe@praxis.example', phone: '+49 (30) 123-45' },
    { role: 'data_protection', name: 'D. Schützer', email: 'dpo@praxis.example' },
  ],
  postal_address: { lines: ['Hauptstr. 1', '2. Hof'], postal_code: '10115', city: 'Berlin', country: 'DE' },
  billing_address: { recipient: 'Buchhaltung', lines: ['Postfach 7'], city: 'Berlin', country: 'DE' },
};

describe('the resource /customers/{slug}/contact', () => {
  let gateway: TestGateway;
  const put = (slug: string, body: unknown) => gateway.admin('PUT', `/customers/${slug}/contact`, body);
  const get = async (slug: string) => dataOf<ContactBody>(await gateway.admin('GET', `/customers/${slug}/contact`));

  before(async () => {
    gateway = await startTestGateway();
    for (const slug of ['acme', 'other']) await gateway.newCustomer({ slug });
  });
  after(() => gateway.close());

  it('returns the stored contact, and null before the first one', async () => {
    assert.deepEqual(await get('acme'), { customer: 'acme', contact: null, since: null, erasure_id: null });
    const made = await put('acme', WHOLE);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual((await get('acme')).contact, WHOLE);
    const changed = await put('acme', { legal_name: 'Praxis' });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual((await get('acme')).contact, { legal_name: 'Praxis' });
  });

  it('keeps every state, oldest first, and writes none for an equal request', async () => {
    await put('acme', { legal_name: 'Praxis' });
    const { data } = (await gateway.admin('GET', '/customers/acme/contact/history')).json as {
      data: { contact: object; load_end_date: string | null }[];
    };
    assert.deepEqual(
      data.map(({ contact }) => contact),
      [WHOLE, { legal_name: 'Praxis' }],
    );
    assert.deepEqual(
      data.map(({ load_end_date }) => load_end_date === null),
      [false, true],
    );
  });

  it('reveals no contact in the tables, in generic reads or in audit events', async () => {
    const { sql } = gateway.database;
    const stored = await sql<{ row: string }[]>`select s::text as row from gateway.customer_pii_s s`;
    const events = await sql<{ row: string }[]>`select s::text as row from audit.audit_event_s s`;
    const generic = await gateway.admin('GET', '/vault/customer_pii_s/acme/history');
    assert.equal(generic.status, 200);
    const everything = [...stored, ...events].map(({ row }) => row).join() + generic.text;
    for (const word of ['Praxis', 'zoe@', 'Hauptstr', Buffer.from('Praxis').toString('hex')]) {
      assert.ok(!everything.includes(word), word);
    }
    const [written] = await sql<{ actor_kind: string; after: object }[]>`
      select actor_kind, after
      from audit.audit_event_s
      where action = 'contact.write'
      order by applied_date
      limit 1`;
    assert.deepEqual(
      { ...written },
      {
        actor_kind: 'administrator',
        after: { parts: ['billing_address', 'legal_name', 'people', 'postal_address'], people: 2 },
      },
    );
  });

  it('records its readers', async () => {
    await get('acme');
    const [{ reads }] = await gateway.database.sql<[{ reads: number }]>`
      select count(*) as reads
      from audit.audit_event_s s
      join audit.audit_event_customer_l l using (audit_event_hk)
      join gateway.customer_h c using (customer_hk)
      where s.action = 'contact.read'
        and s.outcome = 'succeeded'
        and c.customer_bk = 'acme'`;
    assert.ok(reads >= 1);
  });

  it('is sealed for its own row: the contact of another customer in its place cannot be decrypted', async () => {
    await put('other', { legal_name: 'Other' });
    const { sql } = gateway.database;
    await sql`alter table gateway.customer_pii_s disable trigger refuse_change`;
    await sql`
      update gateway.customer_pii_s
      set (pii_encrypted, subject_key_id) = (
        select s.pii_encrypted, s.subject_key_id
        from gateway.customer_pii_s_current s
        join gateway.customer_h h using (customer_hk)
        where h.customer_bk = 'acme')
      where customer_hk = (select customer_hk from gateway.customer_h where customer_bk = 'other')`;
    const read = await gateway.admin('GET', '/customers/other/contact');
    assert.equal(read.status, 500);
    assert.ok(!read.text.includes('Praxis'));
    assert.match(gateway.logged.splice(0).join(), /belongs to another row/);
  });

  it('accepts a change below /v1 only for the version that the request names', async () => {
    const path = '/v1/customers/versioned/contact';
    await gateway.newCustomer({ slug: 'versioned' });
    const send = (name: string, etag?: string) =>
      gateway.send({
        method: 'PUT',
        path,
        headers: { ...bearer(gateway.keys.admin_key), ...(etag === undefined ? {} : { 'if-match': etag }) },
        body: JSON.stringify({ legal_name: name }),
      });
    const first = await send('First');
    assert.equal(first.status, 201, first.text);
    const { etag } = first.headers;
    assert.equal((await gateway.admin('GET', path)).headers.etag, etag);
    assert.equal((await send('Second')).status, 428);
    assert.equal((await send('Second', etag)).status, 200);
    const stale = await send('Third', etag);
    assert.deepEqual([stale.status, errorOf(stale).code], [412, 'version_conflict']);
    assert.equal((await gateway.admin('PUT', '/customers/versioned/contact', { legal_name: 'Fourth' })).status, 200);
  });

  it('refuses an invalid contact and names the field', async () => {
    const cases: [unknown, string | null][] = [
      [{}, null],
      [[], null],
      [{ nickname: 'x' }, 'nickname'],
      [{ people: [{ role: 'boss', name: 'x' }] }, 'people[0].role'],
      [{ people: [{ role: 'primary', name: 'x', email: 'nobody' }] }, 'people[0].email'],
      [{ people: [{ role: 'primary', name: 'a\0b' }] }, 'people[0].name'],
      [{ people: [{ role: 'primary', name: '\ud800' }] }, 'people[0].name'],
      [{ postal_address: { lines: ['x'], city: 'y', country: 'Germany' } }, 'postal_address.country'],
      [{ legal_name: 'x'.repeat(201) }, 'legal_name'],
    ];
    for (const [body, param] of cases) {
      const refused = await put('acme', body);
      assert.equal(refused.status, 422, refused.text);
      assert.equal(errorOf(refused).param, param);
    }
    assert.equal((await put('nobody', WHOLE)).status, 404);
    assert.equal((await put('unknown', WHOLE)).status, 404);
    assert.equal((await put('a%00b', WHOLE)).status, 404);
    const huge = await put('acme', {
      people: Array(20).fill({
        role: 'primary',
        name: '\u{1f600}'.repeat(100),
        email: `${'e'.repeat(60)}@x.example`,
      }),
      postal_address: { lines: Array(5).fill('\u{1f600}'.repeat(200)), city: 'x'.repeat(200), country: 'DE' },
      billing_address: {
        lines: Array(5).fill('€'.repeat(200)),
        city: '\u{1f600}'.repeat(200),
        country: 'DE',
      },
    });
    assert.ok(huge.status === 200 || errorOf(huge).code === 'validation_error', huge.text);
    const not_text = await gateway.send({
      method: 'PUT',
      path: '/customers/acme/contact',
      headers: bearer(gateway.keys.admin_key),
      body: Buffer.from([0xff, 0xfe]),
    });
    assert.deepEqual([errorOf(not_text).code, errorOf(not_text).reason], ['invalid_request', 'malformed_json']);
  });

  it('keeps e-mail addresses out of everything that can never be erased', async () => {
    const mail = 'jane.doe@clinic.example';
    const escaped = encodeURIComponent(mail);
    const tried = [
      await gateway.admin('POST', '/customers', { slug: mail }),
      await gateway.admin('POST', '/customers', { slug: 'mailed', name: `Jane <${mail}>` }),
      await gateway.admin('POST', '/api-keys', { customer: 'acme', name: mail }),
      await gateway.admin('POST', '/privacy/erasures', { subject: mail, reason: 'asked' }),
      await gateway.admin('POST', '/privacy/holds', { subject: 'acme', reason: `asked by ${mail}` }),
      await gateway.admin('GET', `/customers/${escaped}`),
      await gateway.admin('GET', `/customers/${escaped}/contact`),
      await gateway.admin('GET', `/privacy/exports/${escaped}`),
    ];
    assert.deepEqual(
      tried.map(({ status }) => status),
      [422, 422, 422, 404, 422, 404, 404, 404],
    );
    const { sql } = gateway.database;
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', schemaname, tablename) as name
      from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`;
    for (const { name } of tables) {
      const found = await sql.unsafe(`select 1 from ${name} t where t::text like '%jane.doe%'`);
      assert.equal(found.length, 0, name);
    }
  });

  it('admits administrators only', async () => {
    for (const method of ['GET', 'PUT']) {
      const path = '/customers/acme/contact';
      const headers = bearer(gateway.keys.api_key);
      assert.equal((await gateway.send({ method, path, headers })).status, 403);
      assert.equal((await gateway.send({ method, path })).status, 401);
    }
  });

  it('gives eight concurrent writers one key, and each of their states can be read', async () => {
    await gateway.newCustomer({ slug: 'busy' });
    const names = Array.from({ length: 8 }, (_, at) => `Name ${at}`);
    const responses = await Promise.all(names.map((legal_name) => put('busy', { legal_name })));
    assert.deepEqual([...new Set(responses.map(({ status }) => status < 300))], [true]);
    const { data } = (await gateway.admin('GET', '/customers/busy/contact/history')).json as {
      data: { contact: { legal_name: string } }[];
    };
    assert.deepEqual(data.map(({ contact }) => contact.legal_name).toSorted(), names);
    const [{ keys }] = await gateway.database.sql<[{ keys: number }]>`
      select count(distinct subject_key_id) as keys
      from gateway.customer_pii_s
      join gateway.customer_h using (customer_hk)
      where customer_bk = 'busy'`;
    assert.equal(keys, 1);
  });
});
