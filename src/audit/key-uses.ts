import type { Log } from '../core/log.ts';
import type { KeyUse } from '../keys/keyring.ts';
import type { RecordEvent } from './record-event.ts';

/** Records uses of keys in the audit log: the first use at once, the further ones as counts. */
export interface KeyUses {
  observe(use: KeyUse): void;
  /** Records the counts, and stops counting. */
  close(): Promise<void>;
}

export interface KeyUsesDeps {
  readonly record: RecordEvent;
  readonly log: Log;
  /** The part of the product that uses the keys. */
  readonly actor: string;
  /** Period in which uses are counted before they are recorded. */
  readonly interval_ms?: number;
}

// An hour of a busy process is one line of the log.
const INTERVAL_MS = 3_600_000;

/** An event that cannot be written is kept and recorded with the next one; no use of a key waits for it. */
export const createKeyUses = (deps: KeyUsesDeps): KeyUses => {
  const counts = new Map<string, { use: KeyUse; count: number }>();
  const seen = new Set<string>();
  let recording: Promise<void> = Promise.resolve();

  const recordCounts = async (): Promise<void> => {
    for (const [name, { use, count }] of [...counts]) {
      counts.delete(name);
      try {
        await deps.record({
          actor_kind: 'system',
          actor: deps.actor,
          outcome: 'succeeded',
          event_count: count,
          action: use.operation === 'create' ? 'key.create' : 'key.use',
          subject_kind: 'data_key',
          subject: use.data_key_id,
          reason: use.operation,
        });
      } catch (err) {
        deps.log.warn({ err, ...use, count }, 'uses of a key cannot be recorded in the audit log now');
        add(use, count);
        return;
      }
    }
  };
  const recordNext = (): Promise<void> => {
    recording = recording.then(recordCounts);
    return recording;
  };
  const add = (use: KeyUse, count: number): void => {
    const name = `${use.operation} ${use.data_key_id}`;
    const counted = counts.get(name);
    if (counted === undefined) counts.set(name, { use, count });
    else counted.count += count;
  };
  const timer = setInterval(() => void recordNext(), deps.interval_ms ?? INTERVAL_MS).unref();

  return {
    observe: (use) => {
      add(use, 1);
      const name = `${use.operation} ${use.data_key_id}`;
      if (seen.has(name)) return;
      seen.add(name);
      void recordNext();
    },
    close: async () => {
      clearInterval(timer);
      await recordNext();
    },
  };
};
