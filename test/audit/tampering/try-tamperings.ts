import type { Sql } from '../../../src/postgres/connect.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import type { Fault, Report } from '../../../verifier/onevault-verify.mjs';
import { type SealedVault, verifyIn } from '../sealed-vault-fixture.ts';
import type { LogTampering } from './log-tamperings.ts';
import type { Random } from './mutate.ts';
import { CERTIFICATE, type Leaf, makeTampering, type Tampering } from './row-tamperings.ts';

/** What became of tamperings. */
export interface Tally {
  tried: number;
  /** By kind, how many were found and named rightly. */
  readonly found: Record<string, number>;
  /** Those that were not, and faults that nobody had made. */
  readonly wrong: string[];
}

export const newTally = (): Tally => ({ tried: 0, found: {}, wrong: [] });

export type Trusted = Awaited<ReturnType<SealedVault['published']>>;

/** Every leaf as it stands. */
export const readAll = async (sql: Sql, { deps }: SealedVault): Promise<Leaf[]> => {
  const [size] = await sql<[{ size: number }]>`select sum(leaf_count)::bigint as size from audit.sequenced`;
  const leaves: Leaf[] = [];
  for await (const page of deps.readLeaves(sql, { from: 0, to: size.size })) leaves.push(...page);
  return leaves;
};

class Undo extends Error {}

/** Runs work as a superuser whose writes no trigger sees, and undoes all of it. */
export const undone = async <T>(sql: Sql, work: (tx: Transaction) => Promise<T>): Promise<T> => {
  let result: { readonly value: T } | undefined;
  try {
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      result = { value: await work(tx) };
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
  return result!.value;
};

/** Whether a change was made. One that a table's own checks and keys refuse, which hold without triggers, was not. */
const attempt = async (tx: Transaction, change: (point: Transaction) => Promise<boolean>): Promise<boolean> => {
  try {
    return (await tx.savepoint(change)) as boolean;
  } catch (error) {
    if (/^(22|23)/.test((error as { code?: string }).code ?? '')) return false;
    throw error;
  }
};

/**
 * Makes tamperings with different leaves at once and verifies the whole vault: each must be named as it should, and no
 * fault may be told that none of them explains.
 */
export const tryGroup = async (
  sql: Sql,
  vault: SealedVault,
  trusted: Trusted,
  { random, leaves, size }: { readonly random: Random; readonly leaves: readonly Leaf[]; readonly size: number },
  tally: Tally,
): Promise<void> => {
  const applied: Tampering[] = [];
  const report = await undone(sql, async (tx) => {
    const touched = new Set<number | string>();
    while (applied.length < size) {
      const tampering = makeTampering(random, leaves);
      const places = [...tampering.leaves, ...tampering.keys];
      if (places.some((place) => touched.has(place))) continue;
      // Beside others only the certificate that explains them away would be named.
      const is_alone = tampering.keys.includes(CERTIFICATE);
      if (is_alone && applied.length > 0) continue;
      const is_applied = await attempt(tx, async (point) => {
        await tampering.apply(point);
        return true;
      });
      if (!is_applied) continue;
      for (const place of places) touched.add(place);
      applied.push(tampering);
      if (is_alone) break;
    }
    return verifyIn(tx, vault, trusted);
  });
  judge(applied, report, tally);
};

const judge = (applied: readonly Tampering[], report: Report, tally: Tally): void => {
  tally.tried += applied.length;
  const isAbout = ({ message }: Fault, { leaves, keys }: Tampering): boolean =>
    keys.some((key) => message.includes(key)) || leaves.some((leaf) => new RegExp(`leaf ${leaf}\\b`).test(message));
  for (const tampering of applied) {
    const about = report.faults.filter((fault) => isAbout(fault, tampering));
    const is_named = about.some(({ kind }) => tampering.expected.includes(kind));
    if (is_named) tally.found[tampering.kind] = (tally.found[tampering.kind] ?? 0) + 1;
    else
      tally.wrong.push(
        `${tampering.kind}: ${tampering.what}: ${about.map(({ message }) => message).join('; ') || 'not found'}`,
      );
  }
  for (const fault of report.faults) {
    const is_explained = applied.some(
      (tampering) =>
        isAbout(fault, tampering) &&
        (tampering.expected.includes(fault.kind) || tampering.besides.includes(fault.kind)),
    );
    if (!is_explained)
      tally.wrong.push(
        `nobody made this: ${fault.kind}: ${fault.message} [${applied
          .filter((t) => isAbout(fault, t))
          .map((t) => `${t.kind}: ${t.what}`)
          .join(' | ')}]`,
      );
  }
  if (report.fault_count > report.faults.length) tally.wrong.push('too many faults to judge them all');
};

// Random rows may stand in each other's way.
const ATTEMPTS = 20;

/** Tampers with the log itself, once, and verifies the whole vault. */
export const tryLogTampering = async (
  sql: Sql,
  vault: SealedVault,
  trusted: Trusted,
  { tampering, random }: { readonly tampering: LogTampering; readonly random: Random },
  tally: Tally,
): Promise<void> => {
  const { kind, expected } = tampering;
  const report = await undone(sql, async (tx) => {
    for (let times = 0; times < ATTEMPTS; times += 1) {
      if (await attempt(tx, (point) => tampering.apply(point, random))) return verifyIn(tx, vault, trusted);
    }
    return null;
  });
  if (report === null) {
    tally.wrong.push(`${kind}: there was nothing to change`);
    return;
  }
  tally.tried += 1;
  const named = report.faults.map((fault) => fault.kind);
  if (named.some((each) => expected.includes(each))) tally.found[kind] = (tally.found[kind] ?? 0) + 1;
  else tally.wrong.push(`${kind}: named ${[...new Set(named)].join(', ') || 'nothing'}`);
};
