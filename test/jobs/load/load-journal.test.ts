import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { silentLog } from '../../../src/core/log.ts';
import type { JournalLoader } from '../../../src/jobs/load/load-journal.ts';
import { encodeKey } from '../../../src/journal/key.ts';
import { countEntries, listWriters, readAll } from '../../../src/journal/reader.ts';
import type { CallRecord } from '../../../src/journal/record.ts';
import type { JournalWriter } from '../../../src/journal/writer.ts';
import { connect } from '../../../src/postgres/connect.ts';
import { makePrivateFolder } from '../../../src/postgres/embedded/data-dir.ts';
import { startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded-postgres.ts';
import { migrate, seed } from '../../../src/postgres/migrate.ts';
import { createJournal, intent, outcome, type TestJournal } from '../../journal/journal-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { temporaryPath } from '../../support/server.ts';
import { createTestLoader, readVault } from './loader-fixture.ts';

describe('the journal loader', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  let journal: TestJournal;
  const loaders: JournalLoader[] = [];

  beforeEach(async () => {
    database = await createTestDatabase();
    journal = createJournal();
  });
  afterEach(async () => {
    for (const loader of loaders.splice(0)) await loader.close();
    await journal.remove();
    await database.drop();
  });

  const openLoader = (url = database.url, log = silentLog): JournalLoader => {
    const loader = createTestLoader(journal.store, url, log);
    loaders.push(loader);
    return loader;
  };
  const entriesOf = (writer: JournalWriter) => [...readAll(journal.store, writer.id)];

  /** Appends so many calls, intent and outcome. @returns their request ids, sorted */
  const appendCalls = async (writer: JournalWriter, count: number): Promise<string[]> => {
    const made = Array.from({ length: count }, async () => {
      const begun = intent();
      await writer.append(outcome(begun, await writer.append(begun)));
      return begun.request_id;
    });
    return (await Promise.all(made)).sort();
  };

  it('writes a call to its hub, its link and its satellites', async () => {
    const writer = await journal.open();
    const begun = intent();
    const sequence = await writer.append(begun);
    const ended: CallRecord = {
      ...outcome(begun, sequence),
      customer: 'acme',
      routing_rule: null,
      recorded_at: '2026-11-21T10:00:01.500Z',
      route: {
        candidates: [{ provider: 'openai', model: 'gpt-4o', worst_cost: '90000000' }],
        attempts: [{ provider: 'openai', model: 'gpt-4o', latency_ms: 90, http_status: 200, error_code: null }],
        decision: 'cheapest',
        rule_version: null,
        max_cost: null,
      },
    };
    await writer.append(ended);
    assert.equal(await openLoader().drain(), 2);
    const [row] = await database.sql`
      select
        s.load_date, s.applied_date, s.record_source, s.response_status, s.http_status, s.prompt_tokens,
        s.customer_cost, s.journal_writer, s.intent_sequence, s.journal_sequence,
        l.customer_hk = util.hash_hub('customer_h', util.encode_text('acme')) as is_customer,
        encode(l.routing_rule_hk, 'hex') as routing_rule_hk,
        o.decision, o.candidates, o.attempts
      from gateway.api_request_h h
      join gateway.api_request_l l using (api_request_hk)
      join gateway.api_request_s s using (api_request_hk)
      join gateway.api_request_route_s o using (api_request_hk)
      where h.api_request_bk = ${begun.request_id}`;
    assert.deepEqual(
      { ...row },
      {
        load_date: '2026-11-21T10:00:01.500Z',
        applied_date: '2026-11-21T09:59:59.900Z',
        record_source: 'gateway',
        response_status: 'SUCCESS',
        http_status: 200,
        prompt_tokens: 10,
        customer_cost: '75000000',
        journal_writer: writer.id,
        intent_sequence: 1,
        journal_sequence: 2,
        is_customer: true,
        routing_rule_hk: '0'.repeat(64),
        decision: 'cheapest',
        candidates: ended.route!.candidates,
        attempts: ended.route!.attempts,
      },
    );
    assert.deepEqual((await readVault(database.sql)).batches, [{ writer: writer.id, first: 1, last: 2, count: 2 }]);
    assert.equal(countEntries(journal.store), 0);
  });

  it('loads every record once, however many batches it needs, and nothing the second time', async () => {
    const writers = [await journal.open(), await journal.open()];
    const sent = (await Promise.all(writers.map((writer) => appendCalls(writer, 2_500)))).flat().sort();
    const loader = openLoader();
    assert.equal(await loader.drain(), 10_000);
    const loaded = await readVault(database.sql);
    assert.deepEqual(loaded.request_ids, sent);
    assert.deepEqual(loaded.refusals, []);
    for (const { id } of writers) {
      const batches = loaded.batches.filter((batch) => batch.writer === id);
      assert.ok(batches.length > 1);
      let position = 0;
      for (const { first, last, count } of batches) {
        assert.deepEqual([first, count], [position + 1, last - position]);
        position = last;
      }
      assert.equal(position, 5_000);
    }
    assert.equal(countEntries(journal.store), 0);
    assert.equal(await loader.drain(), 0);
    assert.deepEqual(await readVault(database.sql), loaded);
  });

  it("continues at the vault's position after a crash between commit and trim", async () => {
    const writer = await journal.open();
    const first = await appendCalls(writer, 300);
    const entries = entriesOf(writer);
    await openLoader().drain();
    const loaded = await readVault(database.sql);
    for (const { sequence, text } of entries) await journal.store.records.put(encodeKey(writer.id, sequence), text);
    await journal.store.positions.remove(writer.id);

    const second = await appendCalls(writer, 100);
    assert.equal(await openLoader().drain(), 200);
    const after = await readVault(database.sql);
    assert.deepEqual(after.request_ids, [...first, ...second].sort());
    assert.deepEqual(after.batches, [...loaded.batches, { writer: writer.id, first: 601, last: 800, count: 200 }]);
    assert.equal(countEntries(journal.store), 0);
    assert.equal(listWriters(journal.store)[0]!.position, 800);
  });

  it('loads each record once when two loaders share a journal', async () => {
    const writer = await journal.open();
    const first = await appendCalls(writer, 3_000);
    const [one, other] = [openLoader(), openLoader()];
    const running = [one.run(), other.run()];
    const second = await appendCalls(writer, 500);
    await until(() => countEntries(journal.store) === 0);
    one.stop();
    other.stop();
    await Promise.all(running);
    const { request_ids, batches } = await readVault(database.sql);
    assert.deepEqual(request_ids, [...first, ...second].sort());
    assert.equal(
      batches.reduce((sum, { count }) => sum + count, 0),
      7_000,
    );
  });

  it('keeps an intent in the journal until its outcome is in the vault', async () => {
    const writer = await journal.open();
    const begun = intent();
    const sequence = await writer.append(begun);
    const loader = openLoader();
    await loader.drain();
    assert.deepEqual(
      entriesOf(writer).map((entry) => entry.sequence),
      [1],
    );
    assert.deepEqual((await readVault(database.sql)).request_ids, []);
    await writer.append(outcome(begun, sequence));
    await loader.drain();
    assert.deepEqual(entriesOf(writer), []);
    assert.deepEqual((await readVault(database.sql)).request_ids, [begun.request_id]);
  });

  it('deletes an intent once a later intent of the same call has replaced it', async () => {
    const writer = await journal.open();
    const begun = intent();
    const first = await writer.append(begun);
    const second = await writer.append({ ...begun, intent_sequence: first });
    const loader = openLoader();
    await loader.drain();
    const left = () => entriesOf(writer).map((entry) => entry.sequence);
    assert.deepEqual(left(), [2]);
    const third = await writer.append({ ...begun, intent_sequence: second });
    await writer.append(outcome(begun, third));
    await loader.drain();
    assert.deepEqual(left(), []);
    assert.deepEqual((await readVault(database.sql)).request_ids, [begun.request_id]);
  });

  it('stores records that it cannot read with the reason, and loads the records around them', async () => {
    const writer = await journal.open();
    const [before, after, bad] = [outcome(intent(), null), outcome(intent(), null), outcome(intent(), null)];
    const texts = [
      '',
      '{"kind":"outcome"',
      'null',
      '7',
      '{"kind":"later"}',
      JSON.stringify({ ...bad, schema_version: 2 }),
      JSON.stringify({ ...bad, call: { ...bad.call, http_status: 'fine' } }),
      JSON.stringify({ ...bad, call: null }),
      JSON.stringify({ ...bad, intent_sequence: 'first' }),
      JSON.stringify({ ...bad, intent_sequence: -1 }),
      JSON.stringify({ ...bad, recorded_at: 'yesterday' }),
      JSON.stringify({ ...bad, customer: 'a\u0000b' }),
    ];
    await writer.append(before);
    for (const [at, text] of texts.entries()) await journal.store.records.put(encodeKey(writer.id, at + 2), text);
    const void_record = JSON.stringify({ kind: 'void', reason: 'never reached the disk' });
    await journal.store.records.put(encodeKey(writer.id, texts.length + 2), void_record);
    await journal.store.records.put(encodeKey(writer.id, texts.length + 3), JSON.stringify(after));

    const entries = entriesOf(writer);
    assert.equal(await openLoader().drain(), texts.length + 3);
    const loaded = await readVault(database.sql);
    assert.deepEqual(loaded.request_ids, [before.request_id, after.request_id].sort());
    assert.equal(loaded.refusals.length, texts.length, JSON.stringify(loaded.refusals));
    assert.ok(loaded.refusals.includes('schema_version is 2; this version reads 1'));
    assert.equal(loaded.refusals.filter((reason) => reason.startsWith('not JSON')).length, 2);
    assert.equal(countEntries(journal.store), 0);
    const kept = await database.sql<
      { record: { text: string } }[]
    >`select e.record::jsonb as record from ops.load_error e`;
    for (const text of texts.filter((each) => !each.includes('u0000'))) {
      assert.ok(
        kept.some(({ record }) => record.text === text),
        `whole: ${text}`,
      );
    }

    for (const { sequence, text } of entries) await journal.store.records.put(encodeKey(writer.id, sequence), text);
    await journal.store.positions.remove(writer.id);
    await openLoader().drain();
    assert.deepEqual(await readVault(database.sql), loaded, 'once more adds nothing');
  });

  it('deletes the registration of an ended writer, and no other, when all of its records are in the vault', async () => {
    const [ended, unused, living] = [await journal.open(), await journal.open(), await journal.open()];
    await appendCalls(ended, 10);
    await appendCalls(living, 10);
    await ended.close();
    await unused.close();
    await openLoader().drain();
    assert.deepEqual(
      listWriters(journal.store).map(({ id, position }) => [id, position]),
      [[living.id, 20]],
    );
    assert.equal(journal.store.positions.get(ended.id), undefined);
  });

  it('fails when the database is older than the journal, and loads nothing beyond the gap', async () => {
    const writer = await journal.open();
    await appendCalls(writer, 10);
    await openLoader().drain();
    await appendCalls(writer, 10);
    const older = await createTestDatabase();
    const loader = openLoader(older.url);
    await assert.rejects(
      loader.drain(),
      new RegExp(
        `${writer.id} only up to 0, but the journal gave up those to 20: the database is older than the journal`,
      ),
    );
    assert.deepEqual((await readVault(older.sql)).batches, []);
    assert.equal(countEntries(journal.store), 20, 'nothing is dropped');
    await loader.close();
    loaders.splice(loaders.indexOf(loader), 1);
    await older.drop();
    assert.equal(await openLoader().drain(), 20);
  });

  it('deletes records that the vault already has when the journal is older, and loads no second outcome', async () => {
    const writer = await journal.open();
    const sent = await appendCalls(writer, 10);
    const entries = entriesOf(writer).slice(0, 12);
    await openLoader().drain();
    for (const { sequence, text } of entries) await journal.store.records.put(encodeKey(writer.id, sequence), text);
    await journal.store.positions.put(writer.id, 4);
    assert.equal(await openLoader().drain(), 0);
    assert.deepEqual((await readVault(database.sql)).request_ids, sent);
  });
});

describe('the journal loader during an outage of PostgreSQL', function () {
  this.timeout(300_000);

  it('waits and continues when PostgreSQL is back, without a lost or duplicate record', async () => {
    const data_dir = temporaryPath();
    makePrivateFolder(data_dir);
    const start = (port?: number) =>
      startEmbeddedPostgres({
        data_dir,
        log: silentLog,
        settings: { fsync: 'off' },
        ...(port === undefined ? {} : { port }),
      });
    let server = await start();
    await migrate(server.url);
    await seed(server.url);
    const journal = createJournal();
    const writer = await journal.open();
    const messages: string[] = [];
    const log = pino({}, { write: (line) => void messages.push(JSON.parse(line).msg) });
    const loader = createTestLoader(journal.store, server.url, log);
    const running = loader.run();
    const sent: string[] = [];
    let is_over = false;
    const appending = (async () => {
      while (!is_over) {
        const records = Array.from({ length: 50 }, () => outcome(intent(), null));
        await Promise.all(records.map((record) => writer.append(record)));
        sent.push(...records.map(({ request_id }) => request_id));
      }
    })();
    try {
      for (const signal of ['SIGKILL', 'SIGINT', 'SIGKILL'] as const) {
        await sleep(300);
        const ended = endServer(join(data_dir, 'postgres', 'postmaster.pid'), signal);
        await ended;
        await sleep(200);
        server = await start(server.port);
      }
      await sleep(300);
    } finally {
      is_over = true;
    }
    await appending;
    await until(() => countEntries(journal.store) === 0, 30_000);
    loader.stop();
    await running;
    await loader.close();
    const sql = connect(server.url, { max_connections: 1 });
    const { request_ids, batches, refusals } = await readVault(sql);
    await sql.end();
    await server.stop();
    await journal.remove();
    rmSync(data_dir, { recursive: true, force: true });

    assert.ok(sent.length > 1_000, `${sent.length} records`);
    assert.deepEqual(request_ids, sent.sort());
    assert.deepEqual(refusals, []);
    assert.equal(batches.at(-1)!.last, sent.length);
    assert.equal(
      batches.reduce((sum, { count }) => sum + count, 0),
      sent.length,
    );
    assert.ok(messages.includes('records wait: the vault took none'));
    assert.equal(messages.at(-1), 'records are loaded again');
  });
});

/** Sends the signal to the server that the file names and waits until it has ended. */
const endServer = async (pid_file: string, signal: NodeJS.Signals): Promise<void> => {
  const pid = Number(readFileSync(pid_file, 'utf8').split('\n')[0]);
  process.kill(pid, signal);
  await until(() => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return true;
    }
  });
};

const until = async (holds: () => boolean, timeout_ms = 20_000): Promise<void> => {
  const deadline_ms = Date.now() + timeout_ms;
  while (!holds()) {
    assert.ok(Date.now() < deadline_ms, `not within ${timeout_ms} ms`);
    await sleep(20);
  }
};
