import { setPriority } from 'node:os';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { openStore } from '../journal/store.ts';
import { connect } from '../postgres/connect.ts';
import { loadRegistry } from '../vault/registry.ts';
import { composeLoader } from './compose.ts';
import { dataPaths, PROJECT } from './paths.ts';
import type { StartRole } from './role.ts';

// One connection loads; the second replaces it while it reconnects.
const CONNECTIONS = 2;

// Below the process that serves calls: on a busy machine records wait in the journal, not clients.
const NICENESS = 10;

/** Loads the journal into the vault. */
export const startLoadRole: StartRole = async ({ config, database_url, database_role }) => {
  const log = createLog(config.log_level, 'load');
  setPriority(NICENESS);
  const options = {
    application_name: 'onevault load',
    max_connections: CONNECTIONS,
    log,
    role: database_role,
  };
  const store = openStore(dataPaths(config.data_dir).journal);
  const loader = composeLoader({
    store,
    registry: loadRegistry(PROJECT.entities),
    clock: systemClock,
    log,
    connect: () => connect(database_url, options),
  });
  const running = loader.run();
  return {
    url: null,
    stop: async () => {
      loader.stop();
      await running;
      // Loads the last records of the gateway; without PostgreSQL they wait for the next start.
      await loader.drain().catch((err: unknown) => log.warn({ err }, 'the rest of the journal waits'));
      await loader.close();
      await store.root.close();
    },
  };
};
