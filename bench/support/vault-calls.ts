import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/postgres/connect.ts';
import { GHOST_KEY } from '../../src/vault/entity.ts';

const POLL_MS = 100;

/** Values of the gateway's own counters. */
export interface GatewayCounts {
  /** Calls that ended, refused ones included. */
  readonly calls: number;
  readonly in_flight: number;
  /** Records that are not yet in the vault. */
  readonly journal_records: number;
  /** Processor time of the serve process since its start. */
  readonly cpu_s: number;
  /** Its resident memory. */
  readonly resident_bytes: number;
}

/** Reads `/metrics`. */
export const readCounts = async (url: string): Promise<GatewayCounts> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sum = (name: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  return {
    calls: sum('onevault_calls_total'),
    in_flight: sum('onevault_calls_in_flight'),
    journal_records: sum('onevault_journal_records'),
    cpu_s: sum('process_cpu_seconds_total'),
    resident_bytes: sum('process_resident_memory_bytes'),
  };
};

/**
 * Waits until no call is in flight and the vault contains all of the journal.
 * @throws Error if that takes longer than `timeout_ms`
 */
export const waitUntilLoaded = async (url: string, timeout_ms: number): Promise<GatewayCounts> => {
  const deadline_ms = Date.now() + timeout_ms;
  for (;;) {
    const counts = await readCounts(url);
    if (counts.in_flight === 0 && counts.journal_records === 0) return counts;
    if (Date.now() > deadline_ms) {
      throw new Error(`after ${timeout_ms} ms ${counts.journal_records} records still wait for the vault`);
    }
    await sleep(POLL_MS);
  }
};

/** Number of calls in the vault, and number of those with a provider's response. */
export const countVaultCalls = async (
  database_url: string,
): Promise<{ readonly rows: number; readonly succeeded: number }> => {
  const sql = connect(database_url, { max_connections: 1 });
  try {
    const [row] = await sql<{ rows: number; succeeded: number }[]>`
      select count(*) as rows, count(*) filter (where s.response_status = 'SUCCESS') as succeeded
      from gateway.api_request_s s
      join gateway.api_request_h h using (api_request_hk, load_date)
      join gateway.api_request_l l using (api_request_hk, load_date)
      where s.api_request_hk <> ${GHOST_KEY}::bytea`;
    return row!;
  } finally {
    await sql.end({ timeout: 1 });
  }
};
