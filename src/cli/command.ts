import { userInfo } from 'node:os';
import type { Actor } from '../audit/event.ts';
import { createEventRecorder, type RecordEvent } from '../audit/record-event.ts';
import { systemClock } from '../core/clock.ts';
import { createLog, type Log } from '../core/log.ts';
import { connect } from '../postgres/connect.ts';
import type { Config } from '../server/config.ts';
import { openDatabaseForCommand } from '../server/open-database.ts';
import { PROJECT } from '../server/paths.ts';
import { createVaultAccess, type VaultAccess } from '../server/vault-access.ts';
import { loadRegistry } from '../vault/registry.ts';

/** The dependencies of a command on the database. */
export interface CommandDeps extends VaultAccess {
  readonly config: Config;
  readonly log: Log;
  readonly database_url: string;
  /** The user of this machine. */
  readonly actor: Actor;
  /** Writes an audit event. */
  readonly record: RecordEvent;
}

export interface CommandOptions {
  /** Its words, as `audit verify`: the name of its log and connections. */
  readonly name: string;
  readonly max_connections: number;
  /** Timeout of one statement; 0 means none. */
  readonly statement_timeout_ms?: number;
}

/**
 * Runs a command on the database of the product in this data directory, or on one that it starts for the command. Closes
 * everything that it opened.
 * @throws StartupError without a database; else the error of `work`
 */
export const runCommand = async <T>(
  config: Config,
  { name, ...options }: CommandOptions,
  work: (command: CommandDeps) => Promise<T>,
): Promise<T> => {
  const log = createLog(config.log_level, name);
  const database = await openDatabaseForCommand(config, log);
  const sql = connect(database.url, { application_name: `onevault ${name}`, ...options });
  try {
    const vault = createVaultAccess({ sql, clock: systemClock, registry: loadRegistry(PROJECT.entities) });
    const record = createEventRecorder(vault, 'command');
    return await work({ ...vault, config, log, database_url: database.url, actor: commandActor(), record });
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};

/** The user of this machine, by name, or by number without a name. */
const commandActor = (): Actor => {
  try {
    return { actor_kind: 'command', actor: userInfo().username };
  } catch {
    return { actor_kind: 'command', actor: `uid ${process.getuid?.() ?? 'unknown'}` };
  }
};
