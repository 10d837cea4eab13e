import type { Sql } from '../../../src/postgres/connect.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import type { Fault, Report } from '../../../verifier/onevault-verify.mjs';
import { type SealedVault, verifyIn } from '../sealed-vault-fixture.ts';
import type { LogTampering } from './log-tamperings.ts';
import type { Random } from './mutate.ts';
import { CERTIFICATE, type Leaf, makeTampering, type Tampering } from './row-tamperings.ts';

/** Results of the tamperings. */
export interface TamperingResults {
  tried: number;
  /** Number of correctly reported tamperings, by kind. */
  readonly found: Record<string, number>;
  /** Tamperings that were not reported correctly, and faults without a cause. */
  readonly wrong: string[];
}

export const newResults = (): TamperingResults => ({ tried: 0, found: {}, wrong: [] });

export type Trusted = Awaited<ReturnType<SealedVault['published']>>;

/** All present leaves. */
export const readAll = async (sql: Sql, { deps }: SealedVault): Promise<Leaf[]> => {
  const [size] = await sql<[{ size: number }]>`select sum(leaf_count)::bigint as size from audit.sequenced`;
  const leaves: Leaf[] = [];
  for await (const page of deps.readLeaves(sql, { from: 0, to: size.size })) leaves.push(...page);
  return leaves;
};

class Undo extends Error {}

/** Runs work as a superuser without triggers, and rolls it back. */
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

/** True if the change was made; false if a constraint of the table refused it, which works without triggers too. */
const attempt = async (tx: Transaction, change: (point: Transaction) => Promise<boolean>): Promise<boolean> => {
  try {
    return (await tx.savepoint(change)) as boolean;
  } catch (error) {
    if (/^(22|23)/.test((error as { code?: string }).code ?? '')) return false;
    throw error;
  }
};

/**
 * Tampers with different leaves at once and verifies the whole vault: each tampering must be reported correctly, and
 * no fault may be reported that none of them causes.
 */
export const tryGroup = async (
  sql: Sql,
  vault: SealedVault,
  trusted: Trusted,
  { random, leaves, size }: { readonly random: Random; readonly leaves: readonly Leaf[]; readonly size: number },
  results: TamperingResults,
): Promise<void> => {
  const applied: Tampering[] = [];
  const report = await undone(sql, async (tx) => {
    const touched = new Set<number | string>();
    while (applied.length < size) {
      const tampering = makeTampering(random, leaves);
      const places = [...tampering.leaves, ...tampering.keys];
      if (places.some((place) => touched.has(place))) continue;
      // Together with others, only the certificate that covers them would be reported.
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
  judge(applied, report, results);
};

const judge = (applied: readonly Tampering[], report: Report, results: TamperingResults): void => {
  results.tried += applied.length;
  const isAbout = ({ message }: Fault, { leaves, keys }: Tampering): boolean =>
    keys.some((key) => message.includes(key)) || leaves.some((leaf) => new RegExp(`leaf ${leaf}\\b`).test(message));
  for (const tampering of applied) {
    const about = report.faults.filter((fault) => isAbout(fault, tampering));
    const is_named = about.some(({ kind }) => tampering.expected.includes(kind));
    if (is_named) results.found[tampering.kind] = (results.found[tampering.kind] ?? 0) + 1;
    else
      results.wrong.push(
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
      results.wrong.push(
        `nobody made this: ${fault.kind}: ${fault.message} [${applied
          .filter((t) => isAbout(fault, t))
          .map((t) => `${t.kind}: ${t.what}`)
          .join(' | ')}]`,
      );
  }
  if (report.fault_count > report.faults.length) results.wrong.push('too many faults to judge them all');
};

// Random rows may conflict with each other.
const ATTEMPTS = 20;

/** Tampers with the log itself, once, and verifies the whole vault. */
export const tryLogTampering = async (
  sql: Sql,
  vault: SealedVault,
  trusted: Trusted,
  { tampering, random }: { readonly tampering: LogTampering; readonly random: Random },
  results: TamperingResults,
): Promise<void> => {
  const { kind, expected } = tampering;
  const report = await undone(sql, async (tx) => {
    for (let times = 0; times < ATTEMPTS; times += 1) {
      if (await attempt(tx, (point) => tampering.apply(point, random))) return verifyIn(tx, vault, trusted);
    }
    return null;
  });
  if (report === null) {
    results.wrong.push(`${kind}: there was nothing to change`);
    return;
  }
  results.tried += 1;
  const named = report.faults.map((fault) => fault.kind);
  if (named.some((each) => expected.includes(each))) results.found[kind] = (results.found[kind] ?? 0) + 1;
  else results.wrong.push(`${kind}: named ${[...new Set(named)].join(', ') || 'nothing'}`);
};
