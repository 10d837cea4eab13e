import { setTimeout as sleep } from 'node:timers/promises';
import type { NewEvent, RecordEvent } from '../../audit/record-event.ts';
import type { Log } from '../../core/log.ts';

/** Tells of log-ins that failed, so that a flood of them cannot fill the vault. */
export interface LoginFailures {
  /**
   * The first failure of its kind is on disk when the promise resolves; like ones within the minute are counted, and
   * told as one event when it is over.
   * @throws what writing the first one throws
   */
  tell(failure: NewEvent): Promise<void>;
  /** Tells what was counted so far. */
  close(): Promise<void>;
}

interface LoginFailuresDeps {
  readonly record: RecordEvent;
  readonly log: Log;
  readonly window_ms?: number | undefined;
}

interface Kind {
  readonly failure: NewEvent;
  /** How many came after the first. */
  repeats: number;
  readonly first: Promise<void>;
  readonly timer: NodeJS.Timeout;
}

const WINDOW_MS = 60_000;
// Whoever sends another key each time makes another kind each time. Past these bounds failures of one address, then
// of all addresses, are told together: at most about 220 events a minute, whatever comes.
const MOST_KINDS_OF_ADDRESS = 10;
const MOST_KINDS = 100;
// Without a database a stop does not wait for it: what was counted is lost then, and the first of each kind is not.
const MOST_CLOSE_MS = 3_000;

export const createLoginFailures = ({ record, log, window_ms = WINDOW_MS }: LoginFailuresDeps): LoginFailures => {
  const kinds = new Map<string, Kind>();

  const chooseKind = (failure: NewEvent): NewEvent => {
    if (kinds.has(nameOf(failure))) return failure;
    const of_address = [...kinds.values()].filter((kind) => kind.failure.request_ip === failure.request_ip);
    const folded = of_address.length < MOST_KINDS_OF_ADDRESS ? failure : withoutKey(failure);
    return kinds.has(nameOf(folded)) || kinds.size < MOST_KINDS ? folded : withoutAddress(failure);
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
      // Each of them had its own.
      const own = { request_id: null, subject: null, user_agent: null };
      await record({ ...failure, ...own, event_count: repeats });
    } catch (err) {
      log.warn({ err, repeats }, 'failed log-ins wait to be told');
      open(failure, repeats + (kinds.get(name)?.repeats ?? 0), Promise.resolve());
    }
  };

  return {
    tell: async (given) => {
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
    close: async () => {
      for (const { timer } of kinds.values()) clearTimeout(timer);
      const told = Promise.all([...kinds.keys()].map(end));
      await Promise.race([told, sleep(MOST_CLOSE_MS, undefined, { ref: false })]);
      for (const { timer } of kinds.values()) clearTimeout(timer);
    },
  };
};

const nameOf = ({ request_ip, reason, actor, actor_kind }: NewEvent): string =>
  JSON.stringify([request_ip, reason, actor_kind, actor]);

const ANYBODY = { actor_kind: 'unknown', actor: 'unknown', customers: [], subject: null } as const;

const withoutKey = (failure: NewEvent): NewEvent => ({ ...failure, ...ANYBODY, user_agent: null });

const withoutAddress = (failure: NewEvent): NewEvent => ({ ...withoutKey(failure), request_ip: null });
