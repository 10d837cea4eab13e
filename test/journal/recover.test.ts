import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock } from '../../src/core/clock.ts';
import { encodeKey } from '../../src/journal/key.ts';
import { countEntries, listWriters, readAll, readEntries, trimEntries } from '../../src/journal/reader.ts';
import type { CallRecord, JournalRecord } from '../../src/journal/record.ts';
import { recoverWriters } from '../../src/journal/recover.ts';
import { createJournal, intent, outcome, type TestJournal } from './journal-fixture.ts';

const NOW = '2026-11-21T11:00:00.000Z';
const ALL = 1_000_000;

describe('the recovery of the journal', () => {
  let journal: TestJournal;
  beforeEach(() => {
    journal = createJournal();
  });
  afterEach(() => journal.remove());

  const recover = (alive?: ReadonlySet<string>) => recoverWriters(journal.store, fixedClock(NOW), alive);
  const records = (writer: string): [number, JournalRecord][] =>
    [...readAll(journal.store, writer)].map(({ sequence, text }) => [sequence, JSON.parse(text)]);
  const stateOf = (writer: string) => listWriters(journal.store).find(({ id }) => id === writer);

  it('gives each intent without an outcome the outcome ABANDONED, and ends the writer', async () => {
    const writer = await journal.open();
    const [answered, lost] = [intent(), intent()];
    await writer.append(answered);
    await writer.append(lost);
    await writer.append(outcome(answered, 1));
    assert.deepEqual(await recover(), [{ writer: writer.id, abandoned: 1, voided: 0 }]);
    const [sequence, abandoned] = records(writer.id).at(-1)! as [number, CallRecord];
    assert.equal(sequence, 4);
    assert.deepEqual(abandoned, { ...lost, kind: 'outcome', intent_sequence: 2, recorded_at: NOW });
    assert.equal(abandoned.call.response_status, 'ABANDONED');
    assert.equal(stateOf(writer.id)?.last_sequence, 4);
  });

  it('uses the last of several intents of one call, and gives the call one outcome', async () => {
    const writer = await journal.open();
    const [lost, ended] = [intent(), intent()];
    const first = await writer.append(lost);
    const other = await writer.append(ended);
    const second = await writer.append({ ...lost, intent_sequence: first });
    const again = await writer.append({ ...ended, intent_sequence: other });
    const last: CallRecord = {
      ...lost,
      intent_sequence: second,
      call: { ...lost.call, prompt_tokens: 7, customer_cost: '12' },
    };
    const third = await writer.append(last);
    await writer.append(outcome(ended, again));
    assert.deepEqual(await recover(), [{ writer: writer.id, abandoned: 1, voided: 0 }]);
    assert.deepEqual(records(writer.id).at(-1), [
      7,
      { ...last, kind: 'outcome', intent_sequence: third, recorded_at: NOW },
    ]);
  });

  it('ignores a call that was refused before it had an intent', async () => {
    const writer = await journal.open();
    await writer.append(outcome(intent(), null));
    assert.deepEqual(await recover(), [{ writer: writer.id, abandoned: 0, voided: 0 }]);
    assert.equal(countEntries(journal.store), 1);
  });

  it('voids sequences that never reached the disk, so that no gap remains', async () => {
    const writer = await journal.open();
    for (let made = 0; made < 6; made += 1) await writer.append(outcome(intent(), null));
    for (const hole of [1, 3, 4]) await journal.store.records.remove(encodeKey(writer.id, hole));
    assert.deepEqual(await recover(), [{ writer: writer.id, abandoned: 0, voided: 3 }]);
    assert.deepEqual(
      records(writer.id).map(([, record]) => record.kind),
      ['void', 'outcome', 'void', 'void', 'outcome', 'outcome'],
    );
    assert.equal(readEntries(journal.store, writer.id, 0, ALL).length, 6);
  });

  it('does not void sequences that the vault holds, and finds an older intent below them', async () => {
    const writer = await journal.open();
    const lost = intent();
    await writer.append(lost);
    for (let made = 0; made < 3; made += 1) await writer.append(outcome(intent(), null));
    await trimEntries(journal.store, writer.id, 4, [2, 3, 4]);
    assert.deepEqual(await recover(), [{ writer: writer.id, abandoned: 1, voided: 0 }]);
    assert.deepEqual(
      readEntries(journal.store, writer.id, 4, ALL).map(({ sequence }) => sequence),
      [5],
    );
    assert.equal(stateOf(writer.id)?.last_sequence, 5);
  });

  it('ends a writer whose records are all in the vault', async () => {
    const writer = await journal.open();
    await writer.append(outcome(intent(), null));
    await trimEntries(journal.store, writer.id, 1, [1]);
    await recover();
    assert.deepEqual([stateOf(writer.id)?.last_sequence, stateOf(writer.id)?.position], [1, 1]);
  });

  it('changes nothing the second time', async () => {
    const writer = await journal.open();
    await writer.append(intent());
    await writer.append(intent());
    await journal.store.records.remove(encodeKey(writer.id, 1));
    await recover();
    const after = records(writer.id);
    assert.deepEqual(await recover(), []);
    assert.deepEqual(records(writer.id), after);
  });

  it('ignores the writers of living processes and those that ended in order', async () => {
    const [alive, ended] = [await journal.open(), await journal.open()];
    await alive.append(intent());
    await ended.append(intent());
    await ended.close();
    assert.deepEqual(await recover(new Set([alive.id])), []);
    assert.equal(await alive.append(intent()), 2);
    assert.equal(stateOf(ended.id)?.last_sequence, 1);
  });

  it('skips records that it cannot read', async () => {
    const writer = await journal.open();
    await writer.append(intent());
    for (const [at, text] of ['', 'null', '{', '7', '{"kind":"later"}'].entries()) {
      await journal.store.records.put(encodeKey(writer.id, at + 2), text);
    }
    assert.deepEqual(await recover(), [{ writer: writer.id, abandoned: 1, voided: 0 }]);
    assert.equal(stateOf(writer.id)?.last_sequence, 7);
  });

  it('completes an interrupted recovery, wherever it was interrupted, with one outcome for each call', async () => {
    // The recovery's own records that reached the disk before the interruption, by place.
    const kept = fc.uniqueArray(fc.nat(9), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(kept, async (places) => {
        const writer = await journal.open();
        const calls = Array.from({ length: 5 }, () => intent());
        for (const call of calls) await writer.append(call);
        await writer.append(outcome(calls[0]!, 1));
        for (let made = 0; made < 4; made += 1) await writer.append(outcome(intent(), null));
        for (const hole of [7, 9]) await journal.store.records.remove(encodeKey(writer.id, hole));
        const written = new Set(records(writer.id).map(([sequence]) => sequence));
        await recover();
        const added = records(writer.id).filter(([sequence]) => !written.has(sequence));
        for (const [place, [sequence]] of added.entries()) {
          if (!places.includes(place)) await journal.store.records.remove(encodeKey(writer.id, sequence));
        }
        await journal.store.writers.put(writer.id, { opened_at: NOW, last_sequence: null });
        await recover();

        const all = records(writer.id);
        const last = stateOf(writer.id)!.last_sequence!;
        assert.deepEqual(
          all.map(([sequence]) => sequence),
          Array.from({ length: last }, (_, at) => at + 1),
        );
        const outcomes = all.flatMap(([, record]) => (record.kind === 'outcome' ? [record.request_id] : []));
        for (const { request_id } of calls) assert.equal(outcomes.filter((id) => id === request_id).length, 1);
      }),
      { numRuns: 25 },
    );
  });
});
