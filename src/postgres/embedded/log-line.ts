import type { Log } from '../../core/log.ts';

/**
 * Faults of single connections. A restart writes one of them for each connection and for each attempt to connect; the
 * client of the connection reports it, and the supervisor reports the restart.
 */
const OF_A_CONNECTION =
  /^(?:FATAL|WARNING): +(?:terminating (?:connection|background worker|walreceiver|autovacuum)|the database system is|connection to client lost|canceling authentication|sorry, too many clients|remaining connection slots)/;

/** Logs a line of the server, as `WARNING:  …`. The caller of a statement reports its errors itself. */
export const logLine = (log: Log, line: string): void => {
  const fields = { postgres: line };
  if (OF_A_CONNECTION.test(line)) log.debug(fields, 'postgres');
  else if (/^(FATAL|PANIC):/.test(line)) log.error(fields, 'postgres');
  else if (line.startsWith('WARNING:')) log.warn(fields, 'postgres');
  else log.debug(fields, 'postgres');
};
