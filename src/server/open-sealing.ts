import { createCheckpointFiles } from '../audit/checkpoint-files.ts';
import { createEventRecorder } from '../audit/record-event.ts';
import { createSealer } from '../audit/sealer.ts';
import { type Sealing, startSealing } from '../audit/sealing.ts';
import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { connect } from '../postgres/connect.ts';
import type { Registry } from '../vault/registry.ts';
import type { Config } from './config.ts';
import { openKeyring } from './open-keyring.ts';
import { dataPaths } from './paths.ts';
import { createVaultAccess } from './vault-access.ts';

// One seals, one fetches a key for the keyring, and one writes its audit event.
const CONNECTIONS = 3;

export interface SealingInput {
  readonly config: Config;
  readonly database_url: string;
  readonly registry: Registry;
  readonly log: Log;
}

/**
 * Seals the audit log of this database, on its own connections.
 * @throws StartupError if a master key that the database needs is missing
 */
export const openSealing = async ({ config, database_url, registry, log }: SealingInput): Promise<Sealing> => {
  const clock = systemClock;
  const sql = connect(database_url, {
    application_name: 'onevault seal',
    max_connections: CONNECTIONS,
    log,
  });
  try {
    const record = createEventRecorder(createVaultAccess({ sql, clock, registry }), 'seal');
    const keys = await openKeyring(config, sql, log, record);
    const paths = dataPaths(config.data_dir);
    const files = createCheckpointFiles(paths.checkpoints);
    const sealer = createSealer({ sql, clock, files, log, keyring: keys.keyring });
    const sealing = startSealing({ sealer, clock, log, stopped_path: paths.sealing_stopped });
    return {
      stop: async () => {
        await sealing.stop();
        await keys.close();
        await sql.end({ timeout: 5 });
      },
    };
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
};
