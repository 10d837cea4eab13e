import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { openStore } from '../../src/journal/store.ts';
import { openWriter } from '../../src/journal/writer.ts';
import { createCallRecords } from './call-records.ts';

// Concurrent calls of a busy gateway, which determine the distance between an intent and its outcome.
const CONCURRENT_CALLS = 500;

/** Appends calls to the journal in `path` with the gateway's own writer: an intent and an outcome each. */
export const fillJournal = async (path: string, calls: number): Promise<void> => {
  const store = openStore(path);
  const clock = systemClock;
  const options = { nextId: createIds(clock), log: silentLog, limit_bytes: Number.MAX_SAFE_INTEGER };
  const writer = await openWriter({ store, clock, ...options });
  const nextCall = createCallRecords(clock);
  for (let made = 0; made < calls; made += CONCURRENT_CALLS) {
    const group = Array.from({ length: Math.min(CONCURRENT_CALLS, calls - made) }, nextCall);
    const sequences = await Promise.all(group.map(({ intent }) => writer.append(intent)));
    await Promise.all(group.map(({ outcome }, place) => writer.append(outcome(sequences[place]!))));
  }
  await writer.close();
  await store.root.close();
};
