import type { Log } from '../core/log.ts';
import type { KeyUse } from '../keys/keyring.ts';
import type { RecordEvent } from './record-event.ts';

/** Tells the audit log how keys are used: the first use at once, the further ones as counts. */
export interface KeyUses {
  observe(use: KeyUse): void;
  /** Tells what was counted, and counts no more. */
  close(): Promise<void>;
}

export interface KeyUsesDeps {
  readonly record: RecordEvent;
  readonly log: Log;
  /** The part of the product that uses the keys. */
  readonly actor: string;
  /** How long uses are counted before they are told. */
  readonly interval_ms?: number;
}

// An hour of a busy process is one line of the log.
const INTERVAL_MS = 3_600_000;

/** Events that cannot be written are kept and told with the next; no use of a key waits for them. */
export const createKeyUses = (deps: KeyUsesDeps): KeyUses => {
  const counts = new Map<string, { use: KeyUse; count: number }>();
  const seen = new Set<string>();
  let telling: Promise<void> = Promise.resolve();

  const tell = async (): Promise<void> => {
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
        deps.log.warn({ err, ...use, count }, 'uses of a key cannot be told to the audit log now');
        add(use, count);
        return;
      }
    }
  };
  const tellNext = (): Promise<void> => {
    telling = telling.then(tell);
    return telling;
  };
  const add = (use: KeyUse, count: number): void => {
    const name = `${use.operation} ${use.data_key_id}`;
    const counted = counts.get(name);
    if (counted === undefined) counts.set(name, { use, count });
    else counted.count += count;
  };
  const timer = setInterval(() => void tellNext(), deps.interval_ms ?? INTERVAL_MS).unref();

  return {
    observe: (use) => {
      add(use, 1);
      const name = `${use.operation} ${use.data_key_id}`;
      if (seen.has(name)) return;
      seen.add(name);
      void tellNext();
    },
    close: async () => {
      clearInterval(timer);
      await tellNext();
    },
  };
};
