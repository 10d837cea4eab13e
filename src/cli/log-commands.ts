import { existsSync, renameSync } from 'node:fs';
import { startNewLog } from '../audit/current-log.ts';
import { rotateSigningKey } from '../audit/signing-keys.ts';
import { instantOf, systemClock } from '../core/clock.ts';
import { StartupError } from '../core/startup-error.ts';
import type { Config } from '../server/config.ts';
import { openKeyring } from '../server/open-keyring.ts';
import { dataPaths } from '../server/paths.ts';
import { runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';

type Print = (line: string) => void;

const CONNECTIONS = 3;

/** `onevault audit rotate-key`: another key signs from now on. */
export const rotateSigningKeyCommand = (config: Config, print: Print = console.log): Promise<void> =>
  runCommand(config, { name: 'audit rotate-key', max_connections: CONNECTIONS }, async (command) => {
    const { sql, log, record } = command;
    const keys = await openKeyring(config, sql, log, record);
    try {
      const event = { action: 'key.rotate', subject_kind: 'signing_key' };
      const { key_id, retired_key_id } = await withCommandEvent(command, event, () =>
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
 * `onevault audit new-log`: starts another log after a restore, and moves the checkpoint files of the old one aside.
 * @param reason for auditors
 */
export const newLogCommand = (config: Config, reason: string, print: Print = console.log): Promise<void> =>
  runCommand(config, { name: 'audit new-log', max_connections: CONNECTIONS }, async (command) => {
    const { checkpoints } = dataPaths(config.data_dir);
    const event = { action: 'log.begin', subject_kind: 'audit_log', reason };
    const origin = await withCommandEvent(command, event, () =>
      startNewLog(command.sql, { clock: systemClock, reason }),
    );
    print(`the log ${origin} is begun`);
    if (!existsSync(checkpoints)) return;
    const aside = `${checkpoints}-until-${instantOf(systemClock.now()).replaceAll(':', '')}`;
    renameSync(checkpoints, aside);
    print(`what was published before stands in ${aside}: keep it`);
  });
