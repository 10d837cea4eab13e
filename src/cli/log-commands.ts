import { existsSync, renameSync } from 'node:fs';
import { startNewLog } from '../audit/log.ts';
import { rotateSigningKey } from '../audit/signing-keys.ts';
import { instantOf, systemClock } from '../core/clock.ts';
import { createLog, type Log } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import { connect, type Sql } from '../postgres/connect.ts';
import type { Config } from '../server/config.ts';
import { openDatabaseForCommand } from '../server/database.ts';
import { openKeyring } from '../server/keyring.ts';
import { dataPaths, PROJECT } from '../server/paths.ts';
import { loadRegistry, type Registry } from '../vault/registry.ts';
import { createCommandRecorder, withCommandEvent } from './command-events.ts';

type Print = (line: string) => void;

/** `onevault audit rotate-key`: another key signs from now on. */
export const rotateSigningKeyCommand = (config: Config, print: Print = console.log): Promise<void> =>
  withLog(config, 'audit rotate-key', async (sql, registry, log) => {
    const keys = await openKeyring(config, sql, log, createCommandRecorder(sql, registry));
    try {
      const event = { action: 'key.rotate', subject_kind: 'signing_key' };
      const { key_id, retired_key_id } = await withCommandEvent({ sql, registry }, event, () =>
        rotateSigningKey(sql, { keyring: keys.keyring, clock: systemClock }).catch((error: unknown) => {
          if (error instanceof RangeError) throw new StartupError(`${error.message}.`, { cause: error });
          throw error;
        }),
      );
      print(`the key ${key_id} signs from now on; ${retired_key_id ?? 'none'} is retired`);
    } finally {
      await keys.close();
    }
  });

/**
 * `onevault audit new-log`: begins another log after a restore, and moves the checkpoint files of the old one aside.
 * @param reason why, for auditors
 */
export const newLogCommand = (config: Config, reason: string, print: Print = console.log): Promise<void> =>
  withLog(config, 'audit new-log', async (sql, registry) => {
    const { checkpoints } = dataPaths(config.data_dir);
    const event = { action: 'log.begin', subject_kind: 'audit_log', reason };
    const origin = await withCommandEvent({ sql, registry }, event, () =>
      startNewLog(sql, { clock: systemClock, reason }),
    );
    print(`the log ${origin} is begun`);
    if (!existsSync(checkpoints)) return;
    const aside = `${checkpoints}-until-${instantOf(systemClock.now()).replaceAll(':', '')}`;
    renameSync(checkpoints, aside);
    print(`what was published before stands in ${aside}: keep it`);
  });

const withLog = async (
  config: Config,
  name: string,
  work: (sql: Sql, registry: Registry, log: Log) => Promise<void>,
): Promise<void> => {
  const log = createLog(config.log_level, name);
  const database = await openDatabaseForCommand(config, log);
  const sql = connect(database.url, { application_name: `onevault ${name}`, max_connections: 3 });
  try {
    await work(sql, loadRegistry(PROJECT.entities), log);
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};
