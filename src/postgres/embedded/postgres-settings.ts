import { createHash } from 'node:crypto';

/** Settings of PostgreSQL by name, in its own notation. */
export type PostgresSettings = Readonly<Record<string, string>>;

/**
 * Settings of the embedded server that differ from PostgreSQL's defaults, for a shared machine of two cores and at
 * least 2 GB. Names: https://www.postgresql.org/docs/18/runtime-config.html
 */
export const EMBEDDED_SETTINGS: PostgresSettings = {
  // Reachable from this machine only, and by password only. No socket file, whose path could be too long.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Keeps the tables that every load and job uses in memory.
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  // Sorts and hashes of the pipeline; only a few run at once.
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  // Parallel queries share memory through /dev/shm, which has 64 MB in a container. This amount is reserved elsewhere,
  // and uses memory of the machine only when needed.
  min_dynamic_shared_memory: '128MB',
  // Loads write all the time: fewer checkpoints, fewer full pages in the log, and compressed ones.
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'pglz',
  // The data lies on flash almost everywhere.
  random_page_cost: '1.1',
  // Two cores: more workers would only wait for each other.
  max_parallel_workers: '2',
  max_parallel_workers_per_gather: '1',
  autovacuum_max_workers: '2',
  io_workers: '2',
  // Our statements are short, so compiling them costs more than it saves.
  jit: 'off',
  // A lease ends with its connection, so a statement of a killed process must not hold it until it has finished.
  client_connection_check_interval: '5s',
  TimeZone: 'UTC',
  log_timezone: 'UTC',
  // The start-up code reads these texts.
  lc_messages: 'C',
  log_line_prefix: '',
  // Statements may contain personal data, which must not be logged.
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
};

/** Name of the server's processes in the process list; each folder has its own. */
export const clusterName = (folder: string): string =>
  `onevault-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
