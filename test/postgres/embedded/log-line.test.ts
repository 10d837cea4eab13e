import assert from 'node:assert/strict';
import { pino } from 'pino';
import { logLine } from '../../../src/postgres/embedded/log-line.ts';

describe("the log of PostgreSQL's lines", () => {
  const levelsOf = (lines: readonly string[]): string[] => {
    const levels: string[] = [];
    const log = pino({ level: 'debug' }, { write: (text) => levels.push(pino.levels.labels[JSON.parse(text).level]!) });
    for (const line of lines) logLine(log, line);
    return levels;
  };

  it('has no error for the connections that a restart ends or refuses', () => {
    const lines = [
      'FATAL:  terminating connection due to administrator command',
      'FATAL:  terminating connection due to unexpected postmaster exit',
      'FATAL:  terminating background worker "logical replication launcher" due to administrator command',
      'WARNING:  terminating connection because of crash of another server process',
      'FATAL:  the database system is starting up',
      'FATAL:  the database system is shutting down',
      'FATAL:  the database system is in recovery mode',
      'FATAL:  the database system is not yet accepting connections',
      'LOG:  database system is ready to accept connections',
    ];
    assert.deepEqual(
      levelsOf(lines),
      lines.map(() => 'debug'),
    );
  });

  it('keeps the level of faults of the server itself', () => {
    assert.deepEqual(
      levelsOf([
        'PANIC:  could not write to file "pg_wal/xlogtemp.7": No space left on device',
        'FATAL:  could not map anonymous shared memory',
        'WARNING:  there is already a transaction in progress',
        '',
      ]),
      ['error', 'error', 'warn', 'debug'],
    );
  });
});
