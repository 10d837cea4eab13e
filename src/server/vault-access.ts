import type { Clock } from '../core/clock.ts';
import { createIds, type NextId } from '../core/ids.ts';
import type { Sql } from '../postgres/connect.ts';
import { createLoader, type Load } from '../vault/load.ts';
import { createReader, type Reader } from '../vault/read.ts';
import type { Registry } from '../vault/registry.ts';
import { createRowBuilder, type RowBuilder } from '../vault/rows.ts';

/** Everything that reads and writes the vault through one pool of connections. */
export interface VaultAccess {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly registry: Registry;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly reader: Reader;
}

/** Makes the loader, the reader and the row builder for the tables of `registry`; connects to nothing. */
export const createVaultAccess = (given: Pick<VaultAccess, 'sql' | 'clock' | 'registry'>): VaultAccess => ({
  ...given,
  nextId: createIds(given.clock),
  load: createLoader({ registry: given.registry, now: given.clock.now }),
  rows: createRowBuilder(given.registry),
  reader: createReader(given.registry),
});
