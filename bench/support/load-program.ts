import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import { createJournalLoader } from '../../src/jobs/load/load-journal.ts';
import { openStore } from '../../src/journal/store.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { loadRegistry } from '../../src/vault/registry.ts';
import type { DrainFigures, DrainRequest } from './drain.ts';
import { createStrategy } from './load-strategies.ts';
import { serveRequests } from './program.ts';

const ENTITIES = fileURLToPath(new URL('../../vault/entities', import.meta.url));

type Loading = Awaited<ReturnType<typeof open>>;

/** The loader of the role `load`, with timed transactions. */
const open = async ({ database_url, journal_path, strategy }: DrainRequest) => {
  const registry = loadRegistry(ENTITIES);
  const store = openStore(journal_path);
  const batches_ms: number[] = [];
  const options = { application_name: 'onevault bench load', max_connections: 2 };
  const loader = createJournalLoader({
    store,
    registry,
    clock: systemClock,
    log: createLog('warn', 'load'),
    ...createStrategy(strategy, registry),
    connect: () => timed(connect(database_url, options), batches_ms),
  });
  return { loader, store, batches_ms };
};

/** Records the duration of each transaction, from `begin` to its commit. */
const timed = (sql: Sql, durations_ms: number[]): Sql =>
  new Proxy(sql, {
    get: (target, name, receiver) => {
      if (name !== 'begin') return Reflect.get(target, name, receiver) as unknown;
      return async (work: Parameters<Sql['begin']>[1]) => {
        const start_ms = performance.now();
        const result = await target.begin(work);
        durations_ms.push(performance.now() - start_ms);
        return result;
      };
    },
  });

let loading: Promise<Loading> | null = null;

serveRequests<DrainRequest, DrainFigures>(
  async (input) => {
    loading ??= open(input);
    const { loader, batches_ms } = await loading;
    batches_ms.length = 0;
    const cpu_before = process.cpuUsage();
    const start_ms = performance.now();
    const records = await loader.drain();
    const duration_s = (performance.now() - start_ms) / 1_000;
    const { user, system } = process.cpuUsage(cpu_before);
    return { records, duration_s, cpu_s: (user + system) / 1e6, batches_ms: [...batches_ms] };
  },
  async () => {
    const opened = await loading;
    await opened?.loader.close();
    await opened?.store.root.close();
  },
);
