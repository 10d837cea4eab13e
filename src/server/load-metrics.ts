import { Gauge, type Registry as MetricsRegistry } from 'prom-client';
import { within } from '../core/deadline.ts';
import type { Log } from '../core/log.ts';
import type { Sql } from '../postgres/connect.ts';

export interface LoadMetricsDeps {
  readonly metrics: MetricsRegistry;
  readonly sql: Sql;
  readonly log: Log;
}

// As for the metrics of the audit log.
const SCRAPE_TIMEOUT_MS = 2_000;
// An operator with this many reads the table; a scrape must be bounded.
const MAX_COUNTED = 100_000;

/** Registers the metrics of loading. Read when scraped; without the database the value is absent. */
export const registerLoadMetrics = ({ metrics, sql, log }: LoadMetricsDeps): void => {
  new Gauge({
    name: 'onevault_vault_load_errors',
    help: `Rows and records that the vault refused, in ops.load_error; ${MAX_COUNTED} means that many or more.`,
    registers: [metrics],
    async collect() {
      try {
        this.set(await within(SCRAPE_TIMEOUT_MS, countErrors(sql)));
      } catch (err) {
        log.debug({ err }, 'the refused rows cannot be counted now');
        this.remove();
      }
    },
  });
};

const countErrors = async (sql: Sql): Promise<number> => {
  const [row] = await sql<[{ errors: number }]>`
    select count(*) as errors
    from (
      select
      from ops.load_error
      limit ${MAX_COUNTED}) refused`;
  return row.errors;
};
