import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { encodeKey, MAX_SEQUENCE, sequenceOf } from '../../src/journal/key.ts';
import {
  countEntries,
  forgetWriter,
  listWriters,
  readAll,
  readEntries,
  trimEntries,
} from '../../src/journal/reader.ts';
import { openStore } from '../../src/journal/store.ts';
import { openWriter } from '../../src/journal/writer.ts';
import { createJournal, intent, outcome, type TestJournal } from './journal-fixture.ts';

const FIXTURE = fileURLToPath(new URL('./writer-fixture.ts', import.meta.url));
const ALL = 1_000_000;

describe('the journal', () => {
  let journal: TestJournal;
  beforeEach(() => {
    journal = createJournal();
  });
  afterEach(() => journal.remove());

  const sequencesOf = (writer: string, after = 0, limit = ALL): number[] =>
    readEntries(journal.store, writer, after, limit).map(({ sequence }) => sequence);
  const numbers = (first: number, last: number): number[] =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at);

  it('returns appended records byte for byte and in order', async () => {
    const writer = await journal.open();
    const records = ['ü', '𝄞 \\ " \n \u0000', 'x'.repeat(100_000)].map((text) => ({
      ...intent(),
      customer: text,
    }));
    for (const record of records) await writer.append(record);
    assert.deepEqual(
      readEntries(journal.store, writer.id, 0, ALL),
      records.map((record, at) => ({ writer: writer.id, sequence: at + 1, text: JSON.stringify(record) })),
    );
  });

  it('numbers records from one without a gap, however many are appended at once', async () => {
    const writer = await journal.open();
    const sequences = await Promise.all(Array.from({ length: 2_000 }, () => writer.append(intent())));
    assert.deepEqual(sequences, numbers(1, 2_000));
    assert.deepEqual(sequencesOf(writer.id), sequences);
    assert.equal(await writer.append(intent()), 2_001);
  });

  it('has a record on disk, readable for another process, when append resolves', async () => {
    const writer = await journal.open();
    const sequence = await writer.append(intent());
    const reader = `import { openStore } from ${JSON.stringify(import.meta.resolve('../../src/journal/store.ts'))};
      import { readEntries } from ${JSON.stringify(import.meta.resolve('../../src/journal/reader.ts'))};
      process.stdout.write(String(readEntries(openStore(${JSON.stringify(journal.path)}), '${writer.id}', 0, 9).length));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', reader]);
    assert.equal(await text(child.stdout), String(sequence));
  });

  it('resolves append only when the record is on disk, however long that takes', async () => {
    const disk = Promise.withResolvers<void>();
    const { records } = journal.store;
    // The real store on a disk whose flush the test controls.
    const slow = Object.create(records, {
      put: {
        value: (key: Buffer, text: string) => {
          const put = records.put(key, text);
          return Object.assign(put.then(), { flushed: disk.promise });
        },
      },
    });
    const writer = await openWriter({
      store: { ...journal.store, records: slow },
      clock: systemClock,
      nextId: createIds(systemClock),
      log: silentLog,
      limit_bytes: 2 ** 30,
    });
    let is_resolved = false;
    const appended = writer.append(intent()).then((sequence) => {
      is_resolved = true;
      return sequence;
    });
    await sleep(100);
    assert.equal(readEntries(journal.store, writer.id, 0, ALL).length, 1, 'it is written');
    assert.equal(is_resolved, false);
    disk.resolve();
    assert.equal(await appended, 1);
    await writer.close();
  });

  it('keeps the records of several processes apart, each without a gap', async () => {
    const [processes, lanes, calls] = [3, 4, 50];
    const messages = await Promise.all(
      Array.from({ length: processes }, async () => {
        const child = spawn(process.execPath, [FIXTURE, journal.path, `${lanes}`, `${calls}`], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
        return output.trim().split('\n');
      }),
    );
    const writers = listWriters(journal.store);
    assert.equal(writers.length, processes);
    for (const { id, last_sequence } of writers) {
      assert.equal(last_sequence, lanes * calls * 2, 'it ended in order');
      assert.deepEqual(sequencesOf(id), numbers(1, lanes * calls * 2));
    }
    for (const line of messages.flat()) {
      const [writer, sequence, kind, request_id] = line.split(' ');
      const [entry] = readEntries(journal.store, writer!, Number(sequence) - 1, 1);
      const record = JSON.parse(entry!.text);
      assert.deepEqual([record.kind, record.request_id], [kind, request_id]);
    }
  });

  it('returns at most the requested number of records, from the sequence after the given one', async () => {
    const writer = await journal.open();
    await Promise.all(Array.from({ length: 300 }, () => writer.append(intent())));
    assert.deepEqual(sequencesOf(writer.id, 0, 7), numbers(1, 7));
    assert.deepEqual(sequencesOf(writer.id, 250, 7), numbers(251, 257));
    assert.deepEqual(sequencesOf(writer.id, 295, 100), numbers(296, 300));
    assert.deepEqual(sequencesOf(writer.id, 300), []);
    assert.deepEqual(sequencesOf('00000000-0000-7000-8000-000000000000'), []);
  });

  it('stops reading at a gap', async () => {
    const writer = await journal.open();
    await Promise.all(Array.from({ length: 10 }, () => writer.append(intent())));
    await journal.store.records.remove(encodeKey(writer.id, 5));
    assert.deepEqual(sequencesOf(writer.id), [1, 2, 3, 4]);
    assert.deepEqual(sequencesOf(writer.id, 4), []);
    assert.deepEqual(sequencesOf(writer.id, 5), numbers(6, 10));
    assert.deepEqual(
      [...readAll(journal.store, writer.id)].map(({ sequence }) => sequence),
      [1, 2, 3, 4, 6, 7, 8, 9, 10],
    );
  });

  it('deletes the given records and keeps an intent whose outcome is not loaded yet', async () => {
    const writer = await journal.open();
    const [answered, waiting] = [intent(), intent()];
    await writer.append(answered);
    await writer.append(waiting);
    await writer.append(outcome(answered, 1));
    await trimEntries(journal.store, writer.id, 3, [1, 3]);
    assert.deepEqual(
      [...readAll(journal.store, writer.id)].map(({ sequence }) => sequence),
      [2],
    );
    assert.equal(listWriters(journal.store)[0]!.position, 3);
    assert.equal(countEntries(journal.store), 1);
  });

  it('lists the oldest writer first, and deletes a writer together with its position', async () => {
    const [first, second] = [await journal.open(), await journal.open()];
    await second.append(intent());
    await trimEntries(journal.store, second.id, 1, [1]);
    const state = { opened_at: '2026-11-21T10:00:00.000Z', last_sequence: null };
    assert.deepEqual(listWriters(journal.store), [
      { id: first.id, ...state, position: 0 },
      { id: second.id, ...state, position: 1 },
    ]);
    await forgetWriter(journal.store, second.id);
    assert.deepEqual(
      listWriters(journal.store).map(({ id }) => id),
      [first.id],
    );
    assert.equal(journal.store.positions.get(second.id), undefined);
  });

  it("is closed by its writer after current writes, and then contains the writer's last sequence", async () => {
    const writer = await journal.open();
    const appends = Promise.all(Array.from({ length: 100 }, () => writer.append(intent())));
    await writer.close();
    assert.deepEqual(await appends, numbers(1, 100));
    assert.equal(listWriters(journal.store)[0]!.last_sequence, 100);
    const unused = await journal.open();
    await unused.close();
    assert.equal(listWriters(journal.store)[1]!.last_sequence, 0);
  });

  it('refuses records beyond its limit of bytes, and accepts them again when it has shrunk', async () => {
    const writer = await journal.open({ limit_bytes: 2 ** 20 });
    const wide = { ...intent(), customer: 'x'.repeat(100_000) };
    for (let made = 0; made < 20; made += 1) await writer.append(wide);
    await until(() => !writer.isWritable());
    await assert.rejects(writer.append(intent()), {
      code: 'journal_unavailable',
      status: 503,
      retry_after_s: 1,
    });
    await trimEntries(journal.store, writer.id, 20, numbers(1, 20));
    await until(() => writer.isWritable());
    assert.equal(await writer.append(intent()), 21, 'what was refused took no sequence');
  });

  it('contains all of its records after it is opened again', async () => {
    const writer = await journal.open();
    await Promise.all(Array.from({ length: 50 }, () => writer.append(intent())));
    const again = openStore(journal.path);
    assert.equal(readEntries(again, writer.id, 0, ALL).length, 50);
    assert.equal(countEntries(again), 50);
    await again.root.close();
  });
});

describe('a journal key', () => {
  const id = fc.uuid().map((uuid) => uuid.toLowerCase());
  const sequence = fc.integer({ min: 1, max: MAX_SEQUENCE });

  it('contains its sequence', () => {
    fc.assert(
      fc.property(id, sequence, (writer, number) => assert.equal(sequenceOf(encodeKey(writer, number)), number)),
    );
  });

  it('sorts by writer, then by sequence', () => {
    fc.assert(
      fc.property(id, id, sequence, sequence, (writer, other, a, b) => {
        assert.equal(Math.sign(Buffer.compare(encodeKey(writer, a), encodeKey(writer, b))), Math.sign(a - b));
        if (writer !== other)
          assert.equal(Buffer.compare(encodeKey(writer, a), encodeKey(other, b)) < 0, writer < other);
      }),
    );
  });

  it('of a writer that was opened later sorts after those of earlier writers', () => {
    const nextId = createIds({ now: () => Date.now() });
    const [first, second] = [nextId(), nextId()];
    assert.ok(Buffer.compare(encodeKey(first, MAX_SEQUENCE), encodeKey(second, 1)) < 0);
  });
});

const until = async (holds: () => boolean): Promise<void> => {
  for (let waited_ms = 0; !holds(); waited_ms += 20) {
    assert.ok(waited_ms < 5_000, 'not within 5 s');
    await sleep(20);
  }
};
