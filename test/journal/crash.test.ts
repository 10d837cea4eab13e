import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { OneVaultError } from '../../src/core/errors.ts';
import { listWriters, readAll, readEntries } from '../../src/journal/reader.ts';
import type { CallRecord, JournalRecord } from '../../src/journal/record.ts';
import { recoverWriters } from '../../src/journal/recover.ts';
import { openStore } from '../../src/journal/store.ts';
import { temporaryPath } from '../support/server.ts';
import { CLOCK, createJournal, intent, outcome, type TestJournal } from './journal-fixture.ts';

const FIXTURE = fileURLToPath(new URL('./writer-fixture.ts', import.meta.url));
const KILLS = 12;
const LANES = '16';
const LONGEST_LIFE_MS = 150;
const ALL = 10_000_000;

interface Acknowledged {
  readonly writer: string;
  readonly sequence: number;
  readonly kind: string;
  readonly request_id: string;
}

/** Starts a process that appends to the journal, and kills it at a random moment. @returns the acknowledged records */
const appendUntilKilled = async (path: string): Promise<Acknowledged[]> => {
  const child = spawn(process.execPath, [FIXTURE, path, LANES], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    output += piece;
  });
  await once(child.stdout, 'data');
  await sleep(randomInt(LONGEST_LIFE_MS));
  child.kill('SIGKILL');
  await once(child, 'close');
  // The kill may have cut the last line.
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return lines.map((line) => {
    const [writer, sequence, kind, request_id] = line.split(' ');
    return { writer: writer!, sequence: Number(sequence), kind: kind!, request_id: request_id! };
  });
};

describe('a killed journal writer', function () {
  this.timeout(300_000);

  it(`leaves every acknowledged record on disk and no call without an outcome (kill -9, ${KILLS} times)`, async () => {
    const path = temporaryPath();
    const acknowledged: Acknowledged[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) acknowledged.push(...(await appendUntilKilled(path)));
    const store = openStore(path);
    const recoveries = await recoverWriters(store, CLOCK);
    assert.equal(recoveries.length, KILLS);

    const records = new Map<string, JournalRecord>();
    const outcomes = new Map<string, number>();
    for (const { id, last_sequence } of listWriters(store)) {
      const entries = readEntries(store, id, 0, ALL);
      assert.equal(entries.length, last_sequence, 'the sequence has no gap');
      const intents = new Set<string>();
      for (const { sequence, text } of entries) {
        const record = JSON.parse(text) as JournalRecord;
        records.set(`${id} ${sequence}`, record);
        if (record.kind === 'intent') intents.add(record.request_id);
        if (record.kind === 'outcome') outcomes.set(record.request_id, (outcomes.get(record.request_id) ?? 0) + 1);
      }
      for (const request_id of intents) assert.equal(outcomes.get(request_id), 1, 'one outcome a call');
    }
    assert.ok(acknowledged.length > 1_000, `${acknowledged.length} records`);
    const lost = acknowledged.filter(({ writer, sequence, kind, request_id }) => {
      const record = records.get(`${writer} ${sequence}`);
      return (
        record === undefined ||
        record.kind === 'void' ||
        `${record.kind} ${record.request_id}` !== `${kind} ${request_id}`
      );
    });
    assert.deepEqual(lost, [], `${lost.length} of ${acknowledged.length}`);
    await store.root.close();
    rmSync(path, { recursive: true, force: true });
  });
});

describe('the journal on a full disk (run by root on Linux, who can mount a small one)', function () {
  this.timeout(300_000);
  let disk: string;
  let journal: TestJournal;

  before(function () {
    if (process.getuid?.() !== 0 || process.platform !== 'linux') this.skip();
    disk = temporaryPath();
    mkdirSync(disk);
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk]);
    journal = createJournal(join(disk, 'journal'));
  });
  after(async () => {
    await journal?.remove();
    if (disk === undefined) return;
    execFileSync('/bin/umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  it('refuses calls with 503 and logs that once, and continues by itself without missing records when there is room again', async () => {
    const lines: { msg: string; level: number }[] = [];
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const writer = await journal.open({ log });
    const filler = join(disk, 'filler');
    const wide = (): CallRecord => ({ ...intent(), customer: 'x'.repeat(20_000) });
    await writer.append(wide());
    fill(filler);

    const written: string[] = [];
    const refused: string[] = [];
    const attempts = Array.from({ length: 200 }, async () => {
      const record = outcome(wide(), null);
      await writer.append(record).then(
        () => written.push(record.request_id),
        (error: OneVaultError) => {
          assert.deepEqual([error.code, error.status, error.retry_after_s], ['journal_unavailable', 503, 1]);
          refused.push(record.request_id);
        },
      );
    });
    await Promise.all(attempts);
    assert.ok(refused.length > 0);
    assert.equal(writer.isWritable(), false);
    await assert.rejects(writer.append(intent()), { code: 'journal_unavailable' });
    await sleep(600);
    assert.equal(writer.isWritable(), false, 'while the disk is full');
    assert.equal(lines.filter(({ level }) => level >= 50).length, 1);

    rmSync(filler);
    for (let waited_ms = 0; !writer.isWritable(); waited_ms += 20) {
      assert.ok(waited_ms < 10_000, 'it does not recover');
      await sleep(20);
    }
    const late = outcome(intent(), null);
    const last = await writer.append(late);
    const entries = [...readAll(journal.store, writer.id)];
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      Array.from({ length: last }, (_, at) => at + 1),
    );
    const statuses = new Map(
      entries.map(({ text }) => {
        const { request_id, call } = JSON.parse(text) as CallRecord;
        return [request_id, `${call.response_status} ${call.http_status} ${call.error_code}`];
      }),
    );
    for (const request_id of [...written, late.request_id]) assert.equal(statuses.get(request_id), 'SUCCESS 200 null');
    for (const request_id of refused) assert.equal(statuses.get(request_id), 'REFUSED 503 journal_unavailable');
    assert.deepEqual(lines.at(-1)?.msg, 'the journal takes records again');
  });
});

/** Fills the disk to the last page. */
const fill = (path: string): void => {
  for (const size of [2 ** 20, 2 ** 12]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
};
