import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Registry } from '../vault/registry.ts';
import { CHANGE_CHANNEL } from './change-channel.ts';
import type { Snapshot } from './snapshot.ts';
import { createSnapshotSource } from './snapshot-source.ts';

/** Keeps a gateway's snapshot up to date with the vault. */
export interface SnapshotWatcher {
  current(): Snapshot;
  /** Resolves when the snapshot contains all changes committed before the call. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

// After a failure, PostgreSQL may be back at any moment.
const RETRY_MS = 500;
// LISTEN reports a change at once. The poll is for writers without a notification, and for a dead connection
// without an error. Without a change it costs one read of the change feed.
const POLL_MS = 1_000;

/** Builds the first snapshot and keeps it up to date. While PostgreSQL is down, the last one stays. */
export const startSnapshotWatcher = async (deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly log: Log;
  /** Called with each new snapshot after the first; must not throw. */
  readonly changed?: (snapshot: Snapshot) => void;
  /** Interval of refreshes without a notification; default 1,000. */
  readonly poll_ms?: number;
}): Promise<SnapshotWatcher> => {
  const { sql, log, poll_ms = POLL_MS } = deps;
  const readSnapshot = createSnapshotSource(deps);
  let snapshot = await readSnapshot();
  warnOfRules(log, snapshot, null);
  let under_way: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let is_away = false;
  let is_closed = false;
  let retry: NodeJS.Timeout | undefined;

  const build = async (): Promise<void> => {
    const before = snapshot;
    snapshot = await readSnapshot();
    if (snapshot !== before) {
      warnOfRules(log, snapshot, before);
      deps.changed?.(snapshot);
    }
    if (is_away) log.info('the snapshot is new again');
    is_away = false;
  };
  const refresh = (): Promise<void> => {
    if (under_way === null) {
      under_way = build().finally(() => {
        under_way = null;
      });
      return under_way;
    }
    // The current refresh may have read before the change, so all requests meanwhile share the next one.
    next ??= under_way
      .catch(() => {})
      .then(() => {
        next = null;
        return refresh();
      });
    return next;
  };
  const refreshOrWarn = (): void => {
    refresh().catch((err: unknown) => {
      if (is_closed) return;
      if (!is_away) log.warn({ err }, 'the snapshot cannot be refreshed; the last one stands');
      is_away = true;
      clearTimeout(retry);
      retry = setTimeout(refreshOrWarn, RETRY_MS);
    });
  };
  const listening = await sql.listen(CHANGE_CHANNEL, refreshOrWarn, refreshOrWarn);
  const poll = setInterval(() => {
    if (under_way === null) refreshOrWarn();
  }, poll_ms);
  return {
    current: () => snapshot,
    refresh,
    close: async () => {
      is_closed = true;
      clearInterval(poll);
      await listening.unlisten().catch(() => {});
      clearTimeout(retry);
      await under_way?.catch(() => {});
    },
  };
};

/** One line for each version of an omitted rule, not one for each snapshot. */
const warnOfRules = (log: Log, snapshot: Snapshot, before: Snapshot | null): void => {
  const known = new Set(before?.unusable_rules.map(({ rule_version }) => rule_version));
  for (const { routing_rule, rule_version, fault } of snapshot.unusable_rules) {
    if (!known.has(rule_version)) log.warn({ routing_rule, rule_version, fault }, 'a routing rule is left out');
  }
};
