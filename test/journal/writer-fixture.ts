import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { openStore } from '../../src/journal/store.ts';
import { openWriter } from '../../src/journal/writer.ts';
import { intent, outcome } from './journal-fixture.ts';

// A process for the tests: `node writer-fixture.ts <journal> <lanes> [calls a lane]` appends intents and their outcomes
// in so many concurrent lanes, and prints `<writer> <sequence> <kind> <request id>` for each record once `append` has
// resolved. Without a number of calls it runs until it is killed.
const [path = '', lanes = '1', calls = 'Infinity'] = process.argv.slice(2);
const store = openStore(path);
const nextId = createIds(systemClock);
const limit_bytes = 2 ** 30;
const writer = await openWriter({ store, clock: systemClock, nextId, log: silentLog, limit_bytes });

const append = async (record: ReturnType<typeof intent>): Promise<number> => {
  const sequence = await writer.append(record);
  process.stdout.write(`${writer.id} ${sequence} ${record.kind} ${record.request_id}\n`);
  return sequence;
};

const lane = async (): Promise<void> => {
  for (let made = 0; made < Number(calls); made += 1) {
    const begun = intent(nextId());
    await append(outcome(begun, await append(begun)));
  }
};

await Promise.all(Array.from({ length: Number(lanes) }, lane));
await writer.close();
await store.root.close();
