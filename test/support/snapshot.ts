import type { Snapshot } from '../../src/catalog/snapshot.ts';
import { createSnapshotSource } from '../../src/catalog/snapshot-source.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { testRegistry } from './calls.ts';

/** The snapshot of all that the vault holds. */
export const readSnapshot = (sql: Sql, clock: Clock): Promise<Snapshot> =>
  createSnapshotSource({ sql, clock, registry: testRegistry() })();
