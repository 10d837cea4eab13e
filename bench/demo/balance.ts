import { centsFromPico, usdFromPico } from '../../src/core/money.ts';
import type { InvoiceTotals, VaultTotals } from './ledger.ts';

/** One check of the demo and its result. */
export interface Check {
  readonly text: string;
  readonly holds: boolean;
}

/** A customer's calls and costs, from the client to the invoice. Costs are pico-dollars. */
interface BalanceRow {
  readonly customer: string;
  readonly vault: VaultTotals | null;
  readonly invoice: InvoiceTotals | null;
}

const NOBODY = 'unknown';

/** Joins the vault and the invoices, one row a customer. */
export const balanceOf = (vault: readonly VaultTotals[], invoices: readonly InvoiceTotals[]): readonly BalanceRow[] => {
  const customers = new Set([...vault, ...invoices].map(({ customer }) => customer));
  return [...customers].map((customer) => ({
    customer,
    vault: vault.find((each) => each.customer === customer) ?? null,
    invoice: invoices.find((each) => each.customer === customer) ?? null,
  }));
};

const COLUMNS = ['vault rows', 'charged', 'not charged', 'on no invoice', 'cost in vault', 'invoice', 'number'];
const WIDTH = 15;
const FIRST_WIDTH = 24;

/** The printed table. Amounts are US dollars: exact from the vault, rounded to the cent on the invoice. */
export const tableOf = (rows: readonly BalanceRow[]): string => {
  const line = (first: string, cells: readonly (string | number)[]): string =>
    `  ${first.padEnd(FIRST_WIDTH)}${cells.map((cell) => String(cell).padStart(WIDTH)).join('')}`.trimEnd();
  const sum = (value: (row: BalanceRow) => number): number => rows.reduce((total, row) => total + value(row), 0);
  const cost = rows.reduce((total, { vault }) => total + (vault?.cost ?? 0n), 0n);
  const cents = rows.reduce((total, { invoice }) => total + (invoice?.total_cents ?? 0n), 0n);
  return [
    line('customer', COLUMNS),
    ...rows.map((row) =>
      line(row.customer === NOBODY ? '(no customer known)' : row.customer, [
        row.vault?.calls ?? 0,
        row.invoice?.charged_calls ?? 0,
        unchargedOf(row),
        onNoInvoice(row),
        usdFromPico(row.vault?.cost ?? 0n),
        row.invoice === null ? '-' : usdFromCents(row.invoice.total_cents),
        row.invoice?.invoice_number.slice(-6) ?? '-',
      ]),
    ),
    line('total', [
      sum(({ vault }) => vault?.calls ?? 0),
      sum(({ invoice }) => invoice?.charged_calls ?? 0),
      sum(unchargedOf),
      sum(onNoInvoice),
      usdFromPico(cost),
      usdFromCents(cents),
      '',
    ]),
  ].join('\n');
};

const unchargedOf = ({ invoice }: BalanceRow): number => (invoice === null ? 0 : invoice.calls - invoice.charged_calls);

const onNoInvoice = ({ vault, invoice }: BalanceRow): number => (vault?.calls ?? 0) - (invoice?.calls ?? 0);

const usdFromCents = (cents: bigint): string => `${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')}`;

/** Checks that no call and no cent is lost between client, vault, spend and invoice. `counted_only`: see `countedOnly`. */
export const checksOf = (
  { sent, counted_only }: { readonly sent: number; readonly counted_only: number },
  rows: readonly BalanceRow[],
  spend: ReadonlyMap<string, bigint>,
): Check[] => {
  const in_vault = rows.reduce((sum, { vault }) => sum + (vault?.calls ?? 0), 0);
  const on_invoices = rows.reduce((sum, { invoice }) => sum + (invoice?.calls ?? 0), 0);
  const charged = rows.reduce((sum, { invoice }) => sum + (invoice?.charged_calls ?? 0), 0);
  const nobodys = rows.find(({ customer }) => customer === NOBODY)?.vault?.calls ?? 0;
  const customers = rows.filter(({ customer }) => customer !== NOBODY);
  return [
    {
      text:
        `calls sent ${sent} - ${counted_only} without a valid key that only the audit log counts = ` +
        `vault rows ${in_vault} = calls on the invoices ${on_invoices} (${charged} charged + ${on_invoices - charged} not charged) + ${nobodys} that no customer is known of`,
      holds: sent - counted_only === in_vault && in_vault === on_invoices + nobodys && charged > 0,
    },
    ...customers.map(({ customer, vault, invoice }) => ({
      text:
        `${customer}: cost in the vault ${usdFromPico(vault?.cost ?? 0n)} = spend = invoice, ` +
        `to the cent ${invoice === null ? '-' : usdFromCents(invoice.total_cents)}`,
      holds:
        vault !== null &&
        invoice !== null &&
        vault.calls === invoice.calls &&
        vault.charged_calls === invoice.charged_calls &&
        vault.cost === invoice.total &&
        vault.cost === spend.get(customer) &&
        centsFromPico(vault.cost) === invoice.total_cents,
    })),
  ];
};
