import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { sealTree } from '../../../src/audit/seal-tree.ts';
import { type Clock, fixedClock } from '../../../src/core/clock.ts';
import { pullReport, type ReportInput } from '../../../src/modules/reports/pull-report.ts';
import { testKeyring } from '../../audit/audit-fixture.ts';
import { addCustomer, createCallFeed, REPORTS_DIR, type TestCall, testRegistry } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const NOW = '2026-11-21T12:00:00Z';
const HOSTILE = '<script>alert(1)</script>,"x"\r\n=HYPERLINK("http://evil")';

const CALLS: TestCall[] = [
  { request_timestamp: '2026-11-21T09:00:00.000Z', compliance_flags: ['PHI', 'PII'] },
  { request_timestamp: '2026-11-21T09:00:00.000Z', user_agent: HOSTILE },
  {
    request_timestamp: '2026-11-21T10:00:00.000Z',
    customer: 'globex',
    user_agent: '=1+1',
    response_status: 'ERROR',
    http_status: 502,
    error_code: 'provider_error',
  },
  {
    request_timestamp: '2026-11-21T11:00:00.000Z',
    customer: null,
    api_key: null,
    provider: null,
    model: null,
    response_status: 'REFUSED',
    http_status: 401,
    error_code: 'invalid_api_key',
    rating: 'NONE',
  },
  { request_timestamp: '2026-11-22T00:00:00.000Z' },
];

describe('the report hipaa-activity', () => {
  let database: TestDatabase;
  const clock = fixedClock(NOW);
  before(async () => {
    database = await createTestDatabase();
    await addCustomer(database.sql, { customer: 'acme' });
    await addCustomer(database.sql, { customer: 'globex' });
    await createCallFeed(database.sql, clock).send(CALLS);
    clock.advance(1_000);
  });
  after(() => database.drop());

  const pull = async (input: Partial<ReportInput> = {}) => {
    let text = '';
    const deps = {
      sql: database.sql,
      registry: testRegistry(),
      clock,
      reports_dir: REPORTS_DIR,
      code_version: '0.0.0-test',
      actor: { actor_kind: 'command', actor: 'tester' } as const,
    };
    const pulled = await pullReport(
      deps,
      {
        name: 'hipaa-activity',
        from: '2026-11-21T00:00:00Z',
        to: '2026-11-22T00:00:00Z',
        format: 'json',
        requested_by: 'auditor',
        ...input,
      },
      (piece) => {
        text += piece;
      },
    );
    return { ...pulled, text };
  };

  it('lists the calls of the period in a total order, with totals by actor and failed log-ins', async () => {
    const { text, row_count } = await pull();
    const { evidence, sections } = JSON.parse(text);
    const rows = Object.fromEntries(sections.map((each: { name: string; rows: unknown[] }) => [each.name, each.rows]));
    assert.equal(rows.activity.length, 4);
    assert.deepEqual(
      rows.activity.map((each: { http_status: number }) => each.http_status),
      [200, 200, 502, 401],
    );
    assert.equal(rows.activity[0].compliance_flags, 'PHI PII');
    assert.equal(rows.activity[1].user_agent, HOSTILE);
    assert.deepEqual(
      rows['access-by-actor'].map((each: { customer: string; calls: number }) => [each.customer, each.calls]),
      [
        ['acme', 2],
        ['globex', 1],
        ['unknown', 1],
      ],
    );
    assert.deepEqual(
      rows['failed-authentications'].map((each: { error_code: string }) => each.error_code),
      ['invalid_api_key'],
    );
    assert.equal(rows.summary[0].calls, 4);
    assert.equal(row_count, 4 + 3 + 1 + 1);
    assert.deepEqual(
      evidence.sources.map((each: { row_count: number }) => each.row_count),
      [4, 4],
    );
    assert.deepEqual(
      evidence.journal.map((each: { expected: number; found: number; gaps: string[] }) => [
        each.expected,
        each.found,
        each.gaps,
      ]),
      [[5, 5, []]],
    );
    const uncovered = { leaves: null, checkpoint_before: null, checkpoint: null, batches_not_covered: 1 };
    assert.deepEqual(evidence.audit_log, uncovered);
    assert.deepEqual(evidence.exceptions, []);
  });

  it('gives the same bytes for the same parameters and instant, also after later loads', async () => {
    for (const format of ['json', 'csv', 'html']) {
      const first = await pull({ format });
      assert.equal(createHash('sha256').update(first.text).digest('hex'), first.document_sha256);
      clock.advance(60_000);
      await sendByNewWriter(database, clock, [{ request_timestamp: '2026-11-21T08:00:00.000Z' }]);
      clock.advance(60_000);
      const again = await pull({ format, known: first.known });
      assert.equal(again.text, first.text);
      assert.equal(again.report_id, first.report_id);
    }
  });

  it('contains the calls of one customer alone if a customer is given', async () => {
    const { text } = await pull({ customer: 'globex' });
    const { evidence, sections } = JSON.parse(text);
    assert.equal(evidence.tenant, 'demo');
    assert.deepEqual(
      sections[1].rows.map((each: { customer: string }) => each.customer),
      ['globex'],
    );
  });

  it('escapes hostile text in CSV and HTML', async () => {
    const csv = (await pull({ format: 'csv', requested_by: 'x",=1+1\r\n=2' })).text;
    assert.ok(csv.includes('"<script>alert(1)</script>,""x""\r\n=HYPERLINK(""http://evil"")"'));
    assert.ok(csv.includes(`"'=1+1"`));
    assert.ok(csv.includes('"# Requested by: x"",=1+1 =2"\r\n'));
    const html = (await pull({ format: 'html' })).text;
    assert.ok(!html.includes('<script'));
    assert.ok(html.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
  });

  it('records each pull', async () => {
    const { report_id, document_sha256 } = await pull({ requested_by: 'the recorded one', customer: 'acme' });
    const rows = await database.sql`
      select s.requested_by, s.document_sha256, c.customer_bk
      from ops.report_s s
      join ops.report_h h using (report_hk)
      join ops.report_customer_l l using (report_hk)
      join gateway.customer_h c using (customer_hk)
      where h.report_bk = ${report_id}`;
    assert.deepEqual([...rows], [{ requested_by: 'the recorded one', document_sha256, customer_bk: 'acme' }]);
  });

  it('records in the audit log who saw whose calls', async () => {
    const { report_id } = await pull({ requested_by: 'the one who looked' });
    const one = await pull({ requested_by: 'the one who looked', customer: 'globex' });
    const rows = await database.sql`
      select s.actor, s.action, s.outcome, s.subject, array_agg(c.customer_bk order by c.customer_bk) as customers
      from audit.audit_event_s s
      join audit.audit_event_customer_l l using (audit_event_hk)
      join gateway.customer_h c using (customer_hk)
      where s.subject in (${report_id}, ${one.report_id})
      group by s.audit_event_hk, s.actor, s.action, s.outcome, s.subject
      order by customers`;
    const event = { actor: 'tester', action: 'report.pull', outcome: 'succeeded' };
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [
        { ...event, subject: report_id, customers: ['acme', 'globex'] },
        { ...event, subject: one.report_id, customers: ['globex'] },
      ],
    );
  });

  it('names the checkpoints that cover its calls and the readers of data, and later ones do not change it', async () => {
    const keyring = testKeyring(database.sql, clock);
    const seal = async (): Promise<void> => {
      clock.advance(60_000);
      await sealTree(database.sql, { keyring, clock, published: null, is_check_forced: false });
      clock.advance(60_000);
    };
    const early = await pull();
    await seal();
    const covered = await pull();
    const { evidence, sections } = JSON.parse(covered.text);
    const { leaves, checkpoint, checkpoint_before, batches_not_covered } = evidence.audit_log;
    assert.equal(batches_not_covered, 0);
    assert.equal(checkpoint_before, null);
    assert.ok(leaves.from < leaves.to && leaves.to <= checkpoint.tree_size);
    const looked = sections.at(-1);
    assert.equal(looked.name, 'who-looked');
    const pulls = looked.rows.filter((row: { action: string }) => row.action === 'report.pull');
    assert.ok(pulls.some((row: { subject: string }) => row.subject === early.report_id));
    assert.ok(pulls.every((row: { actor: string }) => row.actor === 'tester'));
    await sendByNewWriter(database, clock, [{ request_timestamp: '2026-11-21T07:00:00.000Z' }]);
    await seal();
    assert.equal((await pull({ known: early.known })).text, early.text);
    assert.equal((await pull({ known: covered.known })).text, covered.text);
    const next = JSON.parse((await pull()).text).evidence.audit_log;
    assert.ok(next.checkpoint.tree_size > checkpoint.tree_size && next.leaves.to > leaves.to);
  });

  it('names the gaps of the journal', async () => {
    await database.sql`
      insert into ops.journal_batch (writer, first_sequence, last_sequence, record_count, loaded_at)
      values ('00000000-0000-7000-8000-00000000000f', 3, 9, 7, ${'2026-11-21T12:00:00Z'})`;
    const { evidence } = JSON.parse((await pull()).text);
    assert.deepEqual(evidence.exceptions, [
      'journal writer 00000000-0000-7000-8000-00000000000f: 7 of 9 records found, missing 1-2',
    ]);
  });

  it('refuses invalid parameters', async () => {
    const refusals: [Partial<ReportInput>, RegExp][] = [
      [{ name: 'hippo' }, /there is no report "hippo"; there are: hipaa-activity/],
      [{ name: '../reports/hipaa-activity' }, /there is no report/],
      [{ format: 'pdf' }, /--format pdf: there are json, csv, html/],
      [{ format: 'toString' }, /--format toString/],
      [{ from: '2026-11-22T00:00:00Z' }, /must be before --to/],
      [{ from: '21.11.2026' }, /--from 21\.11\.2026: not an instant/],
      [{ known: '2030-01-01T00:00:00Z' }, /lies in the future/],
      [{ customer: 'nobody' }, /there is no such customer/],
      [{ customer: 'unknown' }, /there is no such customer/],
      [{ requested_by: ' ' }, /the requester must be text/],
    ];
    for (const [input, message] of refusals) await assert.rejects(pull(input), message);
  });
});

/** Loads calls by a writer that was not there before. */
const sendByNewWriter = (database: TestDatabase, clock: Clock, calls: readonly TestCall[]): Promise<void> =>
  createCallFeed(database.sql, clock).send(calls, `00000000-0000-7000-8000-${String(clock.now()).slice(-12)}`);
