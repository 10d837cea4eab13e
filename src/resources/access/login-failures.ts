import { setTimeout as sleep } from 'node:timers/promises';
import type { NewEvent, RecordEvent } from '../../audit/record-event.ts';
import type { Log } from '../../core/log.ts';
import { createStateLog } from '../../core/state-log.ts';

/** Reports failed log-ins so that a flood of them cannot fill the vault. */
export interface LoginFailures {
  /**
   * The first failure of its kind is on disk when the promise resolves. Equal ones within the minute are counted; one
   * event reports them at its end.
   * @throws what writing the first one throws
   */
  report(failure: NewEvent): Promise<void>;
  /**
   * Counts a failure whose first of its kind the caller records itself.
   * @returns true for the first of its kind within the minute, which is not counted
   */
  count(failure: NewEvent): boolean;
  /** Reports the failures counted so far. */
  close(): Promise<void>;
}

interface LoginFailuresDeps {
  readonly record: RecordEvent;
  readonly log: Log;
  readonly window_ms?: number | undefined;
}

interface Kind {
  readonly failure: NewEvent;
  /** The number of failures after the first. */
  repeats: number;
  readonly first: Promise<void>;
  readonly timer: NodeJS.Timeout;
}

const WINDOW_MS = 60_000;
// A client that sends a new key each time makes a new kind each time. Past these bounds one event reports all failures
// of an address, then of all addresses: at most about 220 events a minute in any case.
const MAX_KINDS_OF_ADDRESS = 10;
const MAX_KINDS = 100;
// A stop does not wait longer for the database: counts are lost then, but never the first failure of a kind.
const MAX_CLOSE_MS = 3_000;

export const createLoginFailures = ({ record, log, window_ms = WINDOW_MS }: LoginFailuresDeps): LoginFailures => {
  const kinds = new Map<string, Kind>();
  const state = createStateLog(log, {
    bad: 'failed log-ins wait to be reported',
    good: 'failed log-ins are reported again',
  });

  const chooseKind = (failure: NewEvent): NewEvent => {
    if (kinds.has(nameOf(failure))) return failure;
    const of_address = [...kinds.values()].filter((kind) => kind.failure.request_ip === failure.request_ip);
    const folded = of_address.length < MAX_KINDS_OF_ADDRESS ? failure : withoutKey(failure);
    return kinds.has(nameOf(folded)) || kinds.size < MAX_KINDS ? folded : withoutAddress(failure);
  };

  const open = (failure: NewEvent, repeats: number, first: Promise<void>): void => {
    const name = nameOf(failure);
    const timer = setTimeout(() => void end(name), window_ms);
    timer.unref();
    kinds.set(name, { failure, repeats, first, timer });
  };

  const end = async (name: string): Promise<void> => {
    const kind = kinds.get(name);
    kinds.delete(name);
    if (kind === undefined || kind.repeats === 0) return;
    const { failure, repeats } = kind;
    try {
      // Each failure had its own.
      const own = { request_id: null, subject: null, user_agent: null };
      await record({ ...failure, ...own, event_count: repeats });
      state.succeeded();
    } catch (err) {
      state.failed({ err, repeats });
      open(failure, repeats + (kinds.get(name)?.repeats ?? 0), Promise.resolve());
    }
  };

  return {
    report: async (given) => {
      const failure = chooseKind(given);
      const name = nameOf(failure);
      const known = kinds.get(name);
      if (known !== undefined) {
        known.repeats += 1;
        return known.first;
      }
      const first = record(failure);
      open(failure, 0, first);
      try {
        await first;
      } catch (error) {
        clearTimeout(kinds.get(name)?.timer);
        kinds.delete(name);
        throw error;
      }
    },
    count: (given) => {
      const failure = chooseKind(given);
      const known = kinds.get(nameOf(failure));
      if (known === undefined) open(failure, 0, Promise.resolve());
      else known.repeats += 1;
      return known === undefined;
    },
    close: async () => {
      for (const { timer } of kinds.values()) clearTimeout(timer);
      const reported = Promise.all([...kinds.keys()].map(end));
      await Promise.race([reported, sleep(MAX_CLOSE_MS, undefined, { ref: false })]);
      for (const { timer } of kinds.values()) clearTimeout(timer);
    },
  };
};

const nameOf = ({ request_ip, reason, actor, actor_kind }: NewEvent): string =>
  JSON.stringify([request_ip, reason, actor_kind, actor]);

const ANYBODY = { actor_kind: 'unknown', actor: 'unknown', customers: [], subject: null } as const;

const withoutKey = (failure: NewEvent): NewEvent => ({ ...failure, ...ANYBODY, user_agent: null });

const withoutAddress = (failure: NewEvent): NewEvent => ({ ...withoutKey(failure), request_ip: null });
