import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantOf } from '../core/clock.ts';
import { isConnectionError } from '../postgres/connect.ts';
import { isMismatch, type Sealer, type SealerDeps } from './sealer.ts';

export interface SealingDeps extends Pick<SealerDeps, 'clock' | 'log'> {
  readonly sealer: Sealer;
  /** A file that is there while sealing is stopped, with the reason in it: for operators, and for the metric. */
  readonly stopped_path: string;
}

export interface Sealing {
  /** Resolves when the round under way has ended. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 1_000;
// While the database and the files disagree, or the database is away: soon enough once that is mended.
const INTERVAL_AFTER_ERROR_MS = 5_000;
const REPEAT_ERROR_MS = 60_000;

/** Seals every second until it is stopped. Several processes may do so at once: each does the work that it finds. */
export const startSealing = (deps: SealingDeps): Sealing => {
  const stopping = new AbortController();
  const running = loop(deps, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
};

const loop = async ({ sealer, clock, log, stopped_path }: SealingDeps, stopping: AbortSignal): Promise<void> => {
  let reported_ms = Number.NEGATIVE_INFINITY;
  let reported = '';
  const report = (error: unknown): void => {
    // A restart of PostgreSQL ends connections in several ways, which are one state.
    const message = isConnectionError(error) ? 'no connection' : error instanceof Error ? error.message : String(error);
    const is_news = message !== reported || clock.now() - reported_ms >= REPEAT_ERROR_MS;
    if (isMismatch(error)) {
      writeFileSync(stopped_path, `${instantOf(clock.now())} ${message}\n`, { mode: 0o600 });
      if (is_news) log.fatal({ err: error }, STOPPED);
    } else if (is_news) {
      log.warn({ err: error }, 'the audit log cannot be sealed now; it is tried again');
    }
    if (is_news) [reported, reported_ms] = [message, clock.now()];
  };
  while (!stopping.aborted) {
    let wait_ms = INTERVAL_MS;
    try {
      const { leaves, tree_size, is_signed } = await sealer.run();
      if (is_signed) log.debug({ leaves, tree_size }, 'a checkpoint is signed');
      if (reported !== '') log.info({ tree_size }, 'the audit log is sealed again');
      reported = '';
      rmSync(stopped_path, { force: true });
    } catch (error) {
      report(error);
      wait_ms = INTERVAL_AFTER_ERROR_MS;
    }
    await sleep(wait_ms, undefined, { signal: stopping }).catch(() => undefined);
  }
};

const STOPPED =
  'SEALING IS STOPPED: the audit log in the database is not what was published in the checkpoint files. Somebody ' +
  'rewrote or rewound the database, or restored it from a backup; see "Backup and restore" in docs/guides/run-in-production.md';
