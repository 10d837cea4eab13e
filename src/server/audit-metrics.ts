import { existsSync } from 'node:fs';
import { Gauge, type Registry as MetricsRegistry } from 'prom-client';
import { readSealState, type SealState } from '../audit/seal-state.ts';
import type { Clock } from '../core/clock.ts';
import { within } from '../core/deadline.ts';
import type { Log } from '../core/log.ts';
import type { Sql } from '../postgres/connect.ts';

export interface AuditMetricsDeps {
  readonly metrics: MetricsRegistry;
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Log;
  /** The file that exists while sealing is stopped. */
  readonly stopped_path: string;
}

// Prometheus waits ten seconds for a scrape, which has the metrics of calls, too.
const SCRAPE_TIMEOUT_MS = 2_000;
// All gauges of one scrape share a reading.
const READING_LASTS_MS = 500;

/** Registers the metrics of the audit log. Read when scraped; without the database the values are absent. */
export const registerAuditMetrics = ({ metrics, sql, clock, log, stopped_path }: AuditMetricsDeps): void => {
  let reading: { readonly started_ms: number; readonly state: Promise<SealState | null> } | null = null;
  const read = (): Promise<SealState | null> => {
    const now_ms = clock.now();
    if (reading === null || Math.abs(now_ms - reading.started_ms) >= READING_LASTS_MS) {
      const state = within(SCRAPE_TIMEOUT_MS, readSealState(sql)).catch((err: unknown) => {
        log.debug({ err }, 'the state of the audit log cannot be read now');
        return null;
      });
      reading = { started_ms: now_ms, state };
    }
    return reading.state;
  };
  const ageOf = (instant: string | null): number | null =>
    instant === null ? null : Math.max(0, (clock.now() - Date.parse(instant)) / 1_000);
  const gauge = (name: string, help: string, pick: (state: SealState) => number | null): void => {
    new Gauge({
      name,
      help,
      registers: [metrics],
      async collect() {
        const state = await read();
        const value = state === null ? null : pick(state);
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  };
  gauge('onevault_audit_tree_size', "Leaves in the audit log's tree.", ({ tree_size }) => tree_size);
  gauge(
    'onevault_audit_checkpoint_size',
    'Leaves that the newest checkpoint covers.',
    ({ checkpoint_size }) => checkpoint_size ?? 0,
  );
  gauge('onevault_audit_checkpoint_age_seconds', 'Age of the newest checkpoint.', ({ checkpoint_at }) =>
    ageOf(checkpoint_at),
  );
  gauge(
    'onevault_audit_oldest_uncovered_leaf_seconds',
    'Age of the oldest leaf that no checkpoint covers; 0 when all are covered. Past 60 something is wrong.',
    ({ oldest_uncovered_at }) => ageOf(oldest_uncovered_at) ?? 0,
  );
  new Gauge({
    name: 'onevault_audit_sealing_stopped',
    help: '1 while nothing is signed because the database differs from the checkpoint files.',
    registers: [metrics],
    collect() {
      this.set(existsSync(stopped_path) ? 1 : 0);
    },
  });
};
