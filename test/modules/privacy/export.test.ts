import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventRows } from '../../../src/audit/event.ts';
import { queriedSections } from '../../../src/modules/privacy/export-sections.ts';
import { customerSatellites, personSatellites } from '../../../src/vault/ownership.ts';
import { testRegistry } from '../../support/calls.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, errorOf, until } from '../../support/http.ts';

interface Section {
  readonly name: string;
  readonly purpose: string;
  readonly retention: string;
  readonly rows: readonly Record<string, unknown>[];
}

const CALLS = 30;
// About 18 MB of JSON: more than the kernel's buffers of both ends.
const EVENTS = 20_000;

describe("the export of a subject's data", () => {
  let gateway: TestGateway;
  const read = async (): Promise<Section[]> => {
    const client_response = await gateway.admin('GET', '/privacy/exports/acme');
    assert.equal(client_response.status, 200, client_response.text);
    return (client_response.json as { sections: Section[] }).sections;
  };
  const rowsOf = (sections: readonly Section[], name: string) =>
    sections.find((section) => section.name === name)!.rows;

  before(async () => {
    gateway = await startTestGateway();
    const { key } = await gateway.newCustomer({ slug: 'acme', name: 'A <b>& Co' });
    await gateway.newCustomer({ slug: 'other', name: 'Somebody else' });
    for (const legal_name of ['First', '<script>alert(1)</script>']) {
      await gateway.admin('PUT', '/customers/acme/contact', { legal_name });
    }
    await gateway.admin('PUT', '/customers/other/contact', { legal_name: 'Stranger' });
    await gateway.admin('POST', '/privacy/holds', { subject: 'acme', reason: 'case 1' });
    const call = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] };
    await Promise.all(Array.from({ length: CALLS }, () => gateway.chat(call, key)));
    await gateway.chat(call);
    await gateway.drain();
  });
  after(() => gateway.close());

  it('contains all data of the subject and none of others, with purposes, and no secret', async () => {
    const sections = await read();
    assert.deepEqual(
      rowsOf(sections, 'personal_data').map(({ contact }) => contact),
      [{ legal_name: 'First' }, { legal_name: '<script>alert(1)</script>' }],
    );
    assert.equal(rowsOf(sections, 'configuration')[0]!.customer_name, 'A <b>& Co');
    assert.equal(rowsOf(sections, 'calls').length, CALLS);
    assert.equal(
      rowsOf(sections, 'calls_by_month').reduce((sum, row) => sum + Number(row.calls), 0),
      CALLS,
    );
    assert.equal(rowsOf(sections, 'legal_holds')[0]!.reason, 'case 1');
    const [key] = rowsOf(sections, 'api_keys');
    assert.equal(key!.key_name, 'test');
    assert.equal('key_sha256' in key!, false);
    const text = JSON.stringify(sections);
    for (const foreign of ['Stranger', 'Somebody else', 'pii_encrypted']) assert.ok(!text.includes(foreign), foreign);
    assert.ok(sections.every(({ purpose, retention }) => purpose !== '' && retention !== ''));
  });

  it('has a section for every satellite of a customer, each with its own column names', async () => {
    const registry = testRegistry();
    const sections = await read();
    const names = sections.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { table, owner, subject_export } of customerSatellites(registry)) {
      assert.equal(owner, 'customer');
      assert.ok(names.includes(subject_export!.section), table);
    }
    // The section of personal data is decrypted from this table alone: another needs its reader there.
    assert.deepEqual(
      personSatellites(registry).map(({ table }) => table),
      ['customer_pii_s'],
    );
    for (const { text } of queriedSections(registry)) {
      const [statement] = await gateway.database.sql
        .unsafe(text, ['00'.repeat(32)])
        .describe()
        .then(({ columns }) => [columns]);
      const columns = statement!.map(({ name }) => name);
      assert.equal(new Set(columns).size, columns.length, columns.join(', '));
    }
  });

  it('names the subject of each row by the keys of all hubs of its link', async () => {
    const sections = await read();
    const [call] = rowsOf(sections, 'calls');
    assert.equal(call!.provider, 'openai');
    assert.equal(call!.model, 'gpt-4o-mini');
    assert.match(String(call!.api_request), /^[0-9a-f-]{36}$/);
    assert.equal(rowsOf(sections, 'call_routes').length, CALLS);
    assert.deepEqual(
      rowsOf(sections, 'tenants').map(({ tenant, is_effective }) => ({ tenant, is_effective })),
      [{ tenant: 'demo', is_effective: true }],
    );
  });

  it('is recorded with its reader before its first byte is sent', async () => {
    await read();
    const events = rowsOf(await read(), 'audit_events');
    const actions = events.map(({ action }) => String(action));
    for (const action of ['customer.create', 'contact.write', 'privacy.hold', 'privacy.export']) {
      assert.ok(actions.includes(action), action);
    }
    assert.ok(
      events.every((event) => !('request_ip' in event)),
      'not whence others looked',
    );
  });

  it('is also a page that shows hostile text as text', async () => {
    const page = await gateway.admin('GET', '/privacy/exports/acme?format=html');
    assert.match(String(page.headers['content-type']), /^text\/html/);
    assert.match(String(page.headers['content-disposition']), /acme\.html/);
    assert.ok(page.text.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
    assert.ok(!page.text.includes('<script'));
    assert.ok(page.text.trimEnd().endsWith('</html>'));
  });

  it('shows tombstones after an erasure', async () => {
    await gateway.newCustomer({ slug: 'gone' });
    await gateway.admin('PUT', '/customers/gone/contact', { legal_name: 'Once here' });
    await gateway.admin('POST', '/privacy/erasures', { subject: 'gone', reason: 'asked' });
    const { text } = await gateway.admin('GET', '/privacy/exports/gone');
    assert.ok(text.includes('{"erased":true}'));
    assert.ok(!text.includes('Once here'));
  });

  it('keeps its transaction open for a slow client, and ends it when the client disconnects', async () => {
    await gateway.newCustomer({ slug: 'large' });
    const { control } = gateway;
    const at = '2026-11-01T00:00:00Z';
    const stamp = { load_date: at, applied_date: at, record_source: 'test' };
    const events = Array.from({ length: EVENTS }, () =>
      eventRows(
        control.rows,
        {
          actor_kind: 'system',
          actor: 'test',
          action: 'test.fill',
          outcome: 'succeeded',
          subject_kind: 'customer',
          customers: ['large'],
          reason: 'x'.repeat(500),
          event_id: control.nextId(),
        },
        stamp,
      ),
    );
    await control.load(control.sql, events.flat());
    const openTransactions = async (): Promise<number> => {
      const [{ open }] = await gateway.database.sql<[{ open: number }]>`
        select count(*) as open
        from pg_stat_activity
        where datname = current_database()
          and pid <> pg_backend_pid()
          and backend_type = 'client backend'
          and xact_start is not null`;
      return open;
    };
    const sent = request(`${gateway.url}/privacy/exports/large`, {
      headers: bearer(gateway.keys.admin_key),
    });
    sent.on('error', () => {});
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.pause();
    await sleep(1_000);
    assert.equal(await openTransactions(), 1, 'more than any buffer takes is still to come');
    response.destroy();
    await until(async () => (await openTransactions()) === 0, 'no transaction is open');
  });

  it('is refused for unknown subjects and formats, and to all but administrators', async () => {
    assert.equal((await gateway.admin('GET', '/privacy/exports/nobody')).status, 404);
    const format = await gateway.admin('GET', '/privacy/exports/acme?format=pdf');
    assert.equal(errorOf(format).param, 'format');
    const headers = bearer(gateway.keys.api_key);
    assert.equal((await gateway.send({ path: '/privacy/exports/acme', headers })).status, 403);
  });
});
