import { createHash } from 'node:crypto';

/** Settings of PostgreSQL by name, in its own notation. */
export type PostgresSettings = Readonly<Record<string, string>>;

/**
 * What the embedded server sets apart from PostgreSQL's defaults, for a machine of two cores and 2 GB or more that it
 * shares with us. Names: https://www.postgresql.org/docs/18/runtime-config.html
 */
export const EMBEDDED_SETTINGS: PostgresSettings = {
  // Reachable from this machine only, and by password only: no socket file whose path could be too long.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // The tables that each load and job touches stay in memory.
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  // Sorts and hashes of the pipeline; at most a few run at once.
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  // Parallel queries share memory through /dev/shm, which is 64 MB in a container: this much is set aside elsewhere,
  // and taken from the machine only when used.
  min_dynamic_shared_memory: '128MB',
  // Loads write without pause: fewer checkpoints, fewer full pages in the log, and those compressed.
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'pglz',
  // The data lies on flash nearly everywhere.
  random_page_cost: '1.1',
  // Two cores: more workers would only take turns.
  max_parallel_workers: '2',
  max_parallel_workers_per_gather: '1',
  autovacuum_max_workers: '2',
  io_workers: '2',
  // Our statements are short: compiling them costs more than it saves.
  jit: 'off',
  // A lease ends with its connection: a statement of a killed process must not hold it until it is done.
  client_connection_check_interval: '5s',
  TimeZone: 'UTC',
  log_timezone: 'UTC',
  // The texts that start-up reads.
  lc_messages: 'C',
  log_line_prefix: '',
  // Statements may carry personal data, which has no place in a log.
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
};

/** The name that the processes of a cluster's server bear in the process list; it differs from folder to folder. */
export const clusterName = (folder: string): string =>
  `onevault-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
