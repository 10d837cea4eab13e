import type { Clock } from '../core/clock.ts';
import { createIds, type NextId } from '../core/ids.ts';
import type { Sql } from '../postgres/connect.ts';
import { createLoader, type Load } from '../vault/load.ts';
import { createReader, type Reader } from '../vault/read.ts';
import type { Registry } from '../vault/registry.ts';
import { createRowBuilder, type RowBuilder } from '../vault/rows.ts';

/** Readers and writers of the vault through one pool of connections. */
export interface VaultAccess {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly registry: Registry;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly reader: Reader;
}

type VaultInput = Pick<VaultAccess, 'sql' | 'clock' | 'registry'>;

/** Creates the loader, the reader and the row builder for the tables of `registry`; opens no connection. */
export const createVaultAccess = ({ sql, clock, registry }: VaultInput): VaultAccess => ({
  sql,
  clock,
  registry,
  nextId: createIds(clock),
  load: createLoader({ registry, now: clock.now }),
  rows: createRowBuilder(registry),
  reader: createReader(registry),
});
