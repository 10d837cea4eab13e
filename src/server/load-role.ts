import { setPriority } from 'node:os';
import { createJournalLog } from '../audit/journal-leaves.ts';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { createJournalLoader } from '../jobs/load/load-journal.ts';
import { openStore } from '../journal/store.ts';
import { connect } from '../postgres/connect.ts';
import { createAppend } from '../vault/copy.ts';
import { createLoader } from '../vault/load.ts';
import { loadRegistry } from '../vault/registry.ts';
import { dataPaths, PROJECT } from './paths.ts';
import type { StartRole } from './role.ts';

// One connection loads; the second serves while it reconnects.
const CONNECTIONS = 2;

// Below the process that serves calls: on a busy machine records wait in the journal, not clients.
const NICENESS = 10;

/** Takes the journal into the vault. */
export const startLoadRole: StartRole = async ({ config, database_url, database_role }) => {
  const log = createLog(config.log_level, 'load');
  setPriority(NICENESS);
  const registry = loadRegistry(PROJECT.entities);
  const options = {
    application_name: 'onevault load',
    max_connections: CONNECTIONS,
    log,
    role: database_role,
  };
  const store = openStore(dataPaths(config.data_dir).journal);
  const load = createLoader({ registry, now: systemClock.now });
  const loader = createJournalLoader({
    store,
    load,
    registry,
    log,
    append: createAppend(registry),
    journal_log: createJournalLog(registry),
    connect: () => connect(database_url, options),
    clock: systemClock,
  });
  const running = loader.run();
  return {
    url: null,
    stop: async () => {
      loader.stop();
      await running;
      // What the gateway appended last; without PostgreSQL it waits for the next start.
      await loader.drain().catch((err: unknown) => log.warn({ err }, 'the rest of the journal waits'));
      await loader.close();
      await store.root.close();
    },
  };
};
