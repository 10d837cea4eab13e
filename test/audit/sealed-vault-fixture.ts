import { acceptCosignature } from '../../src/audit/accept-cosignature.ts';
import { latestCheckpoint, listKeys } from '../../src/audit/checkpoints.ts';
import { checkpointsSince } from '../../src/audit/checkpoints-since.ts';
import { parseNote, type VerifierKey } from '../../src/audit/note.ts';
import { createReadLeaves } from '../../src/audit/read-leaves.ts';
import { type Sealed, sealTree } from '../../src/audit/seal-tree.ts';
import { rotateSigningKey, type SigningDeps } from '../../src/audit/signing-keys.ts';
import { type VerifyVaultInput, verifyMoment } from '../../src/audit/verify-vault.ts';
import { type Clock, fixedClock, instantOf } from '../../src/core/clock.ts';
import { journalFamily } from '../../src/vault/journal-family.ts';
import type { Transaction } from '../../src/vault/transaction.ts';
import { createVerifier, type Report } from '../../verifier/onevault-verify.mjs';
import { addCustomer, createCallFeed, type TestCall, testRegistry, WRITERS } from '../support/calls.ts';
import type { TestDatabase } from '../support/database.ts';
import { invoiceLine, newLoader, rows, stamp, tenantRows } from '../vault/vault-fixture.ts';
import { cosign, makeWitness, testKeyring } from './audit-fixture.ts';
import { everyTableRows, insertRows } from './tampering/every-table.ts';

export const START = '2026-11-21T10:00:00.000Z';

const ROUTE = {
  candidates: [{ provider: 'openai', model: 'gpt-4o', worst_cost: '9200000000' }],
  attempts: [{ provider: 'openai', model: 'gpt-4o', latency_ms: 100, http_status: 200, error_code: null }],
  decision: 'model named by the client',
  rule_version: '12'.repeat(32),
  max_cost: null,
};

/** A vault with rows of every kind, sealed as often as requested. */
export interface SealedVault {
  readonly clock: Clock & { advance(by_ms: number): void };
  readonly deps: {
    readonly registry: ReturnType<typeof testRegistry>;
    readonly readLeaves: ReturnType<typeof createReadLeaves>;
  };
  /** Dependencies of signing its checkpoints. */
  readonly signing: SigningDeps;
  /** Witnesses that cosigned its newest checkpoint. */
  readonly witnesses: readonly VerifierKey[];
  seal(): Promise<Sealed>;
  /** Calls of a customer in one batch of a writer. */
  send(customer: string, count: number, writer?: string): Promise<void>;
  sendCalls(calls: readonly TestCall[]): Promise<void>;
  /** Adds a row that does not come from a journal. */
  sayState(number: number): Promise<void>;
  /** Content of the checkpoint files outside the database, and the verifier keys. */
  published(): Promise<{ keys: string[]; against: { note: string; source: string }[] }>;
}

export const createSealedVault = async (database: Pick<TestDatabase, 'sql'>): Promise<SealedVault> => {
  const { sql } = database;
  const clock = fixedClock(START);
  const keyring = testKeyring(sql, clock);
  const registry = testRegistry();
  const feed = createCallFeed(sql, clock);
  const witness = makeWitness('witness.example/w1');
  let [sent, stated] = [0, 0];
  const vault: SealedVault = {
    clock,
    signing: { keyring, clock },
    witnesses: [witness],
    deps: { registry, readLeaves: createReadLeaves(registry) },
    seal: async () => {
      clock.advance(60_000);
      return sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    },
    send: async (customer, count, writer) => {
      const calls = Array.from({ length: count }, () => {
        sent += 1;
        return {
          customer,
          request_timestamp: instantOf(Date.parse(START) + sent * 1_500),
          request_commitment: 'ab'.repeat(32),
          model_requested: `model ${sent % 3}`,
          route: sent % 2 === 0 ? ROUTE : null,
        };
      });
      await feed.send(calls, writer);
    },
    sendCalls: (calls) => feed.send(calls),
    sayState: async (number) => {
      stated += 1;
      const at = instantOf(Date.parse(START) + stated);
      await newLoader()(
        sql,
        tenantRows(`tenant-${number}`, `name ${stated}`, {
          load_date: at,
          applied_date: at,
          record_source: 'test',
        }),
      );
    },
    published: async () => {
      const against = [];
      for await (const page of checkpointsSince(sql, 0)) {
        for (const { note } of page) against.push({ note, source: 'the checkpoint files' });
      }
      return { keys: (await listKeys(sql)).map(({ verifier_key }) => verifier_key), against };
    },
  };
  for (const customer of ['acme', 'bolt']) await addCustomer(sql, { customer });
  const invoice_hk = rows.hubKey('invoice_h', { invoice_bk: 'I-1' });
  const customer_hk = rows.hubKey('customer_h', { customer_bk: 'acme' });
  await newLoader()(sql, [
    rows.hub('invoice_h', { invoice_bk: 'I-1' }, stamp(1)),
    rows.link('invoice_customer_l', { invoice_hk, customer_hk }, stamp(1)),
    ...rows.satelliteSet(
      'invoice_line_s',
      invoice_hk,
      [3, 1, 2].map((at) => invoiceLine(at, `line ${at}`)),
      stamp(1),
    ),
  ]);
  const journal = journalFamily(registry)!;
  await insertRows(
    sql,
    registry,
    everyTableRows(registry, ({ table }) => !journal.tables.has(table)),
  );
  await vault.send('acme', 160);
  await vault.seal();
  await rotateSigningKey(sql, vault.signing);
  await vault.send('bolt', 5, WRITERS[1]);
  await vault.send('acme', 4);
  await vault.seal();
  const { note } = (await latestCheckpoint(sql))!;
  const line = cosign(parseNote(note).text, witness, Date.parse(START) / 1_000);
  await acceptCosignature(sql, { note: `${note}${line}\n`, witnesses: [witness], now_ms: clock.now() });
  return vault;
};

/** Verifies the vault as a transaction sees it. */
export const verifyIn = async (
  tx: Transaction,
  { deps, witnesses }: SealedVault,
  trusted: Awaited<ReturnType<SealedVault['published']>>,
  input: Partial<VerifyVaultInput> = {},
): Promise<Report> => {
  const verifier = createVerifier({ ...trusted, is_live: true });
  await verifyMoment(tx, deps, verifier, { made_at: START, witnesses, ...input });
  return verifier.finish();
};
