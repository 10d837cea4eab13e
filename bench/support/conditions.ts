import { availableParallelism, cpus, totalmem } from 'node:os';
import { connect } from '../../src/postgres/connect.ts';
import { rounded } from './percentile.ts';

/** Conditions of a measurement, without a date, so that equal conditions have equal texts. */
export interface Conditions {
  readonly cores: number;
  readonly cpu: string;
  readonly memory_gib: number;
  readonly node: string;
  readonly postgres: string;
  /** True if a commit waits for the disk: fsync and synchronous_commit. */
  readonly commits_are_durable: boolean;
}

/** The conditions of the machine and of the PostgreSQL at `database_url`. */
export const readConditions = async (database_url: string): Promise<Conditions> => {
  const sql = connect(database_url, { max_connections: 1 });
  try {
    const [row] = await sql<{ version: string; is_durable: boolean }[]>`
      select
        current_setting('server_version') as version,
        current_setting('fsync')::boolean and current_setting('synchronous_commit') <> 'off' as is_durable`;
    return {
      cores: availableParallelism(),
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      memory_gib: rounded(totalmem() / 2 ** 30, 1),
      node: process.versions.node,
      postgres: row!.version,
      commits_are_durable: row!.is_durable,
    };
  } finally {
    await sql.end({ timeout: 1 });
  }
};
