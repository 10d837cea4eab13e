import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from '../../../src/postgres/connect.ts';
import type { Report } from '../../../verifier/onevault-verify.mjs';
import { type SealedVault, verifyIn } from '../sealed-vault-fixture.ts';

export interface BesideWriters {
  readonly verifications: number;
  readonly leaves_written: number;
  /** Faults that were reported although nothing was manipulated. */
  readonly false_alarms: readonly string[];
}

const SEAL_EVERY_MS = 100;

/** Verifies the vault repeatedly while writers load and the log is sealed. */
export const verifyBesideWriters = async (
  sql: Sql,
  vault: SealedVault,
  { writers, duration_ms }: { readonly writers: number; readonly duration_ms: number },
): Promise<BesideWriters> => {
  const until_ms = performance.now() + duration_ms;
  const isOver = (): boolean => performance.now() >= until_ms;
  const before = await treeSize(sql);
  const write = async (number: number): Promise<void> => {
    const writer = `00000000-0000-7000-8000-0000000001${String(number).padStart(2, '0')}`;
    while (!isOver()) {
      await vault.send(number % 2 === 0 ? 'acme' : 'bolt', 1 + (number % 5), writer);
      if (number % 4 === 0) await vault.sayState(number);
    }
  };
  const seal = async (): Promise<void> => {
    while (!isOver()) {
      await vault.seal();
      await sleep(SEAL_EVERY_MS);
    }
  };
  const reports: Report[] = [];
  const verify = async (): Promise<void> => {
    do {
      const trusted = await vault.published();
      reports.push(
        (await sql.begin('isolation level repeatable read read only', (tx) => verifyIn(tx, vault, trusted))) as Report,
      );
    } while (!isOver());
  };
  await Promise.all([...Array.from({ length: writers }, (_, number) => write(number)), seal(), verify()]);
  return {
    verifications: reports.length,
    leaves_written: (await treeSize(sql)) - before,
    false_alarms: reports.flatMap(({ faults }) => faults.map(({ kind, message }) => `${kind}: ${message}`)),
  };
};

const treeSize = async (sql: Sql): Promise<number> => {
  const [row] = await sql<[{ size: number }]>`select sum(leaf_count)::bigint as size from audit.sequenced`;
  return row.size;
};
