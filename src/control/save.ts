import { OneVaultError } from '../core/errors.ts';
import type { Stamp, VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import { writeVault } from '../vault/write.ts';
import type { ControlDeps } from './deps.ts';

/** PostgreSQL's channel on which gateways hear that the vault's reference data has changed. */
export const CHANGE_CHANNEL = 'onevault_change';

const RECORD_SOURCE = 'control';

/**
 * Writes the rows of one change into the vault, tells every gateway, and waits until this process's own knows.
 * @param build makes the rows; what it throws undoes the change
 * @throws OneVaultError internal_error when a row does not validate; nothing is written then
 */
export const save = async (
  deps: Pick<ControlDeps, 'sql' | 'clock' | 'load' | 'refreshSnapshot'>,
  build: (stamp: Stamp, tx: Transaction) => Promise<readonly VaultRow[]> | readonly VaultRow[],
): Promise<void> => {
  await writeVault(deps.sql, deps.clock, async (tx, load_date) => {
    const rows = await build({ load_date, applied_date: load_date, record_source: RECORD_SOURCE }, tx);
    const { refused } = await deps.load(tx, rows);
    if (refused > 0)
      throw new OneVaultError('internal_error', { cause: new Error(`${refused} rows refused`) });
    await tx`select pg_notify(${CHANGE_CHANNEL}, '')`;
  });
  await deps.refreshSnapshot();
};

/** Lets changes of one thing happen one after the other, until the transaction ends. */
export const lockName = async (tx: Transaction, name: string): Promise<void> => {
  await tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
};
