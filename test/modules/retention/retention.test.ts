import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../../src/postgres/connect.ts';
import { createChangeFeed } from '../../../src/vault/change-feed.ts';
import { FEED_START } from '../../../src/vault/change-page.ts';
import { createReader } from '../../../src/vault/read.ts';
import { testRegistry, WRITERS } from '../../support/calls.ts';
import { certificates, createOldVault, daysBefore, type OldVault, totals } from './retention-fixture.ts';

describe('the job retention', () => {
  let vault: OldVault;
  beforeEach(async () => {
    vault = await createOldVault();
  });
  afterEach(() => vault.database.drop());

  const OLD = ['2020-02-28T23:00:00.000Z', '2020-02-29T08:00:00.000Z', '2020-02-29T23:59:59.500Z'];

  /** Calls on 28 and 29 February and 1 March 2020, and on 20 June 2026. */
  const fill = async (): Promise<void> => {
    await vault.send(...OLD.map((request_timestamp) => ({ request_timestamp })));
    await vault.send(
      { request_timestamp: '2020-02-29T12:00:00.000Z', customer: 'bolt' },
      { request_timestamp: '2026-06-20T12:00:00.000Z', customer: 'bolt' },
    );
  };

  it('destroys the days past their retention period, each with a certificate, and none the second time', async () => {
    await fill();
    await vault.settle();
    await vault.assertSound();
    const before = await totals(vault.sql);
    const run = await vault.retain();
    assert.deepEqual(run.left_undone, []);
    assert.deepEqual([run.rows_in, run.rows_out], [4, 3]);
    assert.deepEqual(await daysBefore(vault.sql), ['2026-06-20']);
    assert.deepEqual(await certificates(vault.sql), [
      { certificate: 'calls-2020-02-28-1', day: '2020-02-28', calls: 1 },
      { certificate: 'calls-2020-02-29-1', day: '2020-02-29', calls: 2 },
      { certificate: 'calls-2020-03-01-1', day: '2020-03-01', calls: 1 },
    ]);
    await vault.assertSound();
    await vault.seal();
    await vault.assertSound();
    assert.match((await vault.verify()).words.join('\n'), /Destroyed: 4 leaves .* 3 certificates/);
    assert.equal((await vault.retain({ at: '2026-11-21T10:00:00.001Z' })).rows_out, 0);
    assert.deepEqual(await totals(vault.sql), before);
  });

  const kept = async (options = {}): Promise<string[]> => {
    const { left_undone = [] } = await vault.retain(options);
    return left_undone.map((sentence) => sentence.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'));
  };

  it('keeps everything without a retention period, and every day until its period has ended completely', async () => {
    await fill();
    await vault.settle();
    assert.deepEqual(await kept({ retention_days: 0 }), []);
    assert.equal((await daysBefore(vault.sql)).length, 4);
    // 29 February 2020 ends as 1 March begins: 1,000 days later is 26 November 2022.
    await vault.retain({ retention_days: 1_000, at: '2022-11-25T23:59:59.999Z' });
    assert.deepEqual(
      (await certificates(vault.sql)).map(({ day }) => day),
      ['2020-02-28'],
    );
    await vault.retain({ retention_days: 1_000, at: '2022-11-26T00:00:00.000Z' });
    assert.deepEqual(
      (await certificates(vault.sql)).map(({ day }) => day),
      ['2020-02-28', '2020-02-29'],
    );
  });

  it('keeps a day until every job has read its calls, and until a checkpoint covers them', async () => {
    await fill();
    await vault.seal();
    const unread = ['performance-windows', 'spend', 'invoices'].map(
      (job) => `the job ${job} has not read all of its calls`,
    );
    assert.deepEqual(await kept(), [
      `2020-02-28 is kept: ${unread.join('; ')}`,
      `2020-02-29 is kept: ${unread.join('; ')}`,
      `2020-03-01 is kept: ${unread.join('; ')}`,
    ]);
    await vault.settle();
    await vault.send({ request_timestamp: '2020-02-28T09:00:00.000Z' });
    assert.deepEqual(await kept(), [`2020-02-28 is kept: ${unread.join('; ')}`]);
    assert.deepEqual(await daysBefore(vault.sql), ['2020-02-28', '2026-06-20']);
    const [job_run] = await vault.sql<{ left: string[] }[]>`
      select input_watermark->'left_undone' as left
      from ops.job_run_s
      where job_name = 'retention'
        and outcome = 'SUCCEEDED'
      order by load_date desc
      limit 1`;
    assert.deepEqual(job_run?.left, [`2020-02-28 is kept: ${unread.join('; ')}`]);
  });

  it('keeps the days of customers under a legal hold until it is released', async () => {
    await fill();
    await vault.settle();
    await vault.hold('bolt');
    assert.deepEqual(await kept(), ['2020-02-29 is kept: the customer bolt is under the legal hold hold-of-bolt']);
    assert.deepEqual(await daysBefore(vault.sql), ['2020-02-29', '2026-06-20']);
    await vault.assertSound();
    await vault.hold('bolt', 'RELEASED');
    assert.deepEqual(await kept(), []);
    assert.deepEqual(await daysBefore(vault.sql), ['2026-06-20']);
  });

  it('keeps a day with changed, added or removed rows as evidence', async () => {
    const damages = [
      [
        `update gateway.api_request_s set customer_cost = 1 where load_date = '2020-02-28 23:00:01+00'`,
        /1 of its rows do not match/,
      ],
      [
        `update gateway.api_request_s set record_source = 'thief' where load_date = '2020-02-28 23:00:01+00'`,
        /1 of its calls are not what the audit log holds/,
      ],
      [`delete from gateway.api_request_h where load_date = '2020-02-28 23:00:01+00'`, /1 of its calls are not what/],
      [
        `insert into gateway.api_request_h values ('2020-02-28 10:00:00+00', '\\x01', 'x', 'thief')`,
        /1 of its rows belong to no call of it/,
      ],
    ] as const;
    await fill();
    await vault.settle();
    for (const [damage, named] of damages) {
      await vault.sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await tx.unsafe(damage);
      });
      const [reason, ...others] = await kept({ at: '2020-09-01T00:00:00.000Z' });
      assert.match(reason ?? '', named);
      assert.deepEqual(others, []);
    }
  });

  it('keeps a day while earlier journal records than its calls are missing', async () => {
    await fill();
    await vault.settle();
    await vault.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`delete from ops.journal_batch where first_sequence = 1`;
    });
    const reasons = await kept();
    assert.ok(reasons.some((reason) => /the records 1 to 3 of the journal writer ID are not loaded/.test(reason)));
    assert.equal((await daysBefore(vault.sql)).length, 4);
  });

  it('loads late calls of a destroyed day, adds them to every total, and destroys the day again later', async () => {
    await fill();
    await vault.settle();
    await vault.retain();
    const before = await totals(vault.sql);
    await vault.send({
      request_timestamp: '2020-02-29T08:00:10.000Z',
      customer_cost: '1000',
      provider_cost: '1000',
      gateway_markup: '0',
    });
    await vault.assertSound();
    const windows = await windowsOf();
    await vault.settle();
    const after = await totals(vault.sql);
    const acme = (spend: typeof before.spend) => spend.find(({ spending_bk }) => spending_bk === 'acme/2020-02')!;
    assert.equal(acme(after.spend).total_requests, Number(acme(before.spend).total_requests) + 1);
    assert.equal(
      BigInt(String(acme(after.spend).total_customer_charges)),
      BigInt(String(acme(before.spend).total_customer_charges)) + 1_000n,
    );
    assert.deepEqual(await windowsOf(), windows, 'a window of which calls are gone stays as it was measured');
    assert.deepEqual(await daysBefore(vault.sql), ['2020-02-29', '2026-06-20']);
    await vault.retain();
    assert.deepEqual((await certificates(vault.sql)).at(-2), {
      certificate: 'calls-2020-02-29-2',
      day: '2020-02-29',
      calls: 1,
    });
    await vault.assertSound();
    assert.deepEqual(await totals(vault.sql), after);
  });

  const windowsOf = async (): Promise<unknown[]> => [
    ...(await vault.sql`select * from gateway.provider_performance_s order by performance_hk, load_date`),
  ];

  it('leaves sums from which every derived table can be rebuilt', async () => {
    await fill();
    await vault.settle();
    const usage = async () => [
      ...(await vault.sql`
        select usage_day, customer, provider, model, call_count, total_tokens, trim_scale(provider_cost) as provider_cost,
          trim_scale(gateway_markup) as gateway_markup, trim_scale(customer_cost) as customer_cost
        from derived_business.usage_daily
        order by 1, 2, 3, 4`),
    ];
    const [before, spend] = [await usage(), await totals(vault.sql)];
    assert.equal(before.length, 4);
    await vault.retain();
    await vault.sql.unsafe('drop table derived_business.usage_daily, derived_marts.customer_spend cascade');
    await vault.settle();
    assert.deepEqual(await usage(), before);
    assert.deepEqual(await totals(vault.sql), spend);
  });

  it('lets readers of the change feed skip destroyed calls, and gives them the certificates', async () => {
    await fill();
    await vault.settle();
    await vault.retain();
    const readChanges = createChangeFeed(testRegistry());
    const tables = ['api_request_s', 'destruction_certificate_s', 'destruction_leaves_s'];
    const page = await readChanges(vault.sql, tables, FEED_START, 1_000);
    assert.equal(page.has_more, false);
    assert.equal(page.position.writers[WRITERS[0]], 5);
    const counts = Object.fromEntries(
      tables.map((table) => [table, page.rows.filter((row) => row.table === table).length]),
    );
    assert.deepEqual(counts, { api_request_s: 1, destruction_certificate_s: 3, destruction_leaves_s: 4 });
  });

  it('writes certificates that can be read like any other row', async () => {
    await fill();
    await vault.settle();
    await vault.retain();
    const reader = createReader(testRegistry());
    const [{ key }] = await vault.sql<[{ key: string }]>`
      select encode(destruction_certificate_hk, 'hex') as key
      from ops.destruction_certificate_h
      where destruction_certificate_bk = 'calls-2020-02-29-1'`;
    const [certificate] = await reader.current(vault.sql, 'destruction_certificate_s', { hash_keys: [key] });
    const { table_rows, leaf_count, authority, job_run, customer_count, first_request } = certificate!;
    assert.deepEqual(table_rows, [
      { rows: 2, table: 'api_request_h', partition: 'gateway.api_request_h_p20200229' },
      { rows: 0, table: 'api_request_idempotency_s', partition: 'gateway.api_request_idempotency_s_p20200229' },
      { rows: 2, table: 'api_request_l', partition: 'gateway.api_request_l_p20200229' },
      { rows: 0, table: 'api_request_route_s', partition: 'gateway.api_request_route_s_p20200229' },
      { rows: 2, table: 'api_request_s', partition: 'gateway.api_request_s_p20200229' },
    ]);
    assert.deepEqual([leaf_count, customer_count, first_request], [2, 2, '2020-02-29T08:00:00.000Z']);
    assert.match(String(authority), /calls: 183 days after the end of the day/);
    assert.equal(job_run, 'retention/2026-11-21T10:00:00.000Z');
    const [event] = await vault.sql<{ action: string; subject: string; customers: string[] }[]>`
      select s.action, s.subject, array_agg(c.customer_bk order by c.customer_bk) as customers
      from audit.audit_event_s s
      join audit.audit_event_customer_l l using (audit_event_hk)
      join gateway.customer_h c using (customer_hk)
      where s.subject = '2020-02-29'
      group by 1, 2`;
    assert.deepEqual({ ...event }, { action: 'retention.destroy', subject: '2020-02-29', customers: ['acme', 'bolt'] });
  });

  it('does not block readers of calls, and leaves a complete day or none when it is killed', async function () {
    this.timeout(300_000);
    const days = Array.from({ length: 12 }, (_, day) => `2020-05-${String(day + 1).padStart(2, '0')}`);
    await vault.send(
      ...days.flatMap((day) => [1, 2, 3].map((hour) => ({ request_timestamp: `${day}T0${hour}:00:00.000Z` }))),
    );
    await vault.settle();
    const before = await totals(vault.sql);
    const reading = connect(vault.database.url, { max_connections: 2 });
    let is_over = false;
    const read = (async () => {
      for (; !is_over; await sleep(1))
        await reading`select count(*) from gateway.api_request_s_current s join gateway.api_request_l l using (load_date, api_request_hk)`;
    })();
    for (let kill = 0; kill < 12; kill += 1) {
      const run = vault.retain().then(
        () => null,
        (error: Error) => error,
      );
      await sleep(20 + 35 * kill);
      await reading`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database()
          and application_name like 'onevault job retention %'
          and application_name not like '% lease'
          and application_name not like '% control'`;
      await run;
      const gone = (await certificates(vault.sql)).map(({ day }) => day);
      const remaining = (await daysBefore(vault.sql)).filter((day) => days.includes(day));
      assert.deepEqual([...gone, ...remaining].sort(), days, 'a day stands or has its certificate, and never both');
    }
    await vault.retain();
    is_over = true;
    await read;
    await reading.end();
    assert.deepEqual(await daysBefore(vault.sql), []);
    assert.deepEqual(
      (await certificates(vault.sql)).map(({ calls }) => calls),
      days.map(() => 3),
    );
    await vault.assertSound();
    assert.deepEqual(await totals(vault.sql), before);
  });
});
