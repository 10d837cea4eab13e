import { instantOf } from '../../core/clock.ts';
import type { Watermark } from '../../core/watermark.ts';
import type { Compiled } from '../../dbt/compile.ts';
import { KNOWN_LOCK } from '../../vault/known-lock.ts';
import { createLoader } from '../../vault/load.ts';
import { createRowBuilder, type RowBuilder, type VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { JobContext } from '../job-context.ts';
import { draftInvoices, type InvoiceDraft, type ModelLine } from './draft-invoices.ts';
import { documentOf, documentSha256, type InvoiceDocument } from './invoice-document.ts';
import { nextInvoiceNumbers } from './invoice-number.ts';

export interface Issued {
  readonly invoices: readonly InvoiceDocument[];
  /** Reasons why customers with usage got no invoice, one text each. */
  readonly faults: readonly string[];
}

/**
 * Issues invoices for the unbilled calls of the query, in one transaction under the lock of issuing: lines, numbers and
 * rows are committed together or not at all, and no two runs can bill the same call.
 * @param query the compiled model invoice_line
 */
export const issueInvoices = async (context: JobContext, query: Compiled, now: Watermark): Promise<Issued> => {
  const { sql, registry, clock } = context;
  const load = createLoader({ registry, now: clock.now });
  return (await sql.begin(async (tx): Promise<Issued> => {
    await tx`select pg_advisory_xact_lock(hashtextextended('onevault invoices', 0))`;
    // The loader writes to one of these tables; the lines are read before this transaction blocks it.
    const { drafts, faults } = draftInvoices(await tx.unsafe<ModelLine[]>(query.sql));
    await tx`select pg_advisory_xact_lock_shared(${KNOWN_LOCK.toString()}::bigint)`;
    const issued_at = instantOf(clock.now());
    const numbers = await numbersOf(tx, drafts, issued_at.slice(0, 4));
    const facts = { issued_at, known_at: now.known, cut_off: now.writers, query_sha256: query.sha256 };
    const invoices = drafts.map((draft, place) => documentOf(draft, { ...facts, invoice_number: numbers[place]! }));
    const rows = createRowBuilder(registry);
    const { refused } = await load(
      tx,
      invoices.flatMap((invoice) => rowsOf(rows, invoice)),
    );
    if (refused > 0) throw new Error(`the vault refused ${refused} rows of invoices`);
    return { invoices, faults };
  })) as Issued;
};

/** A number for each draft, in their order. */
const numbersOf = async (tx: Transaction, drafts: readonly InvoiceDraft[], year: string): Promise<string[]> => {
  const queues = new Map<string, string[]>();
  for (const [entity, its] of Map.groupBy(drafts, (draft) => draft.billing_entity)) {
    queues.set(entity, await nextInvoiceNumbers(tx, entity, year, its.length));
  }
  return drafts.map((draft) => queues.get(draft.billing_entity)!.shift()!);
};

const rowsOf = (rows: RowBuilder, invoice: InvoiceDocument): VaultRow[] => {
  const { document: _, invoice_number, customer, query_sha256, lines, ...state } = invoice;
  const stamp = {
    load_date: invoice.issued_at,
    applied_date: invoice.issued_at,
    record_source: 'pipeline.invoices',
  };
  const key = { invoice_bk: invoice_number };
  const invoice_hk = rows.hubKey('invoice_h', key);
  const customer_hk = rows.hubKey('customer_h', { customer_bk: customer });
  const payload = {
    ...state,
    cut_off: { ...invoice.cut_off },
    invoice_status: 'ISSUED' as const,
    document_sha256: documentSha256(invoice),
  };
  return [
    rows.hub('invoice_h', key, stamp),
    rows.link('invoice_customer_l', { invoice_hk, customer_hk }, stamp),
    rows.satellite('invoice_s', invoice_hk, payload, stamp),
    ...rows.satelliteSet(
      'invoice_line_s',
      invoice_hk,
      lines.map((line) => ({ ...line, query_sha256 })),
      stamp,
    ),
  ];
};
