import type { Transaction } from '../../vault/transaction.ts';

const DIGITS = 6;

/**
 * The numbers that follow the last one issued by an entity in a year, as `ONEVAULT-2026-000001`. Gapless if
 * the caller holds the lock of issuing until its invoices are committed or rolled back.
 * @throws RangeError when the year's numbers are used up
 */
export const nextInvoiceNumbers = async (
  tx: Transaction,
  billing_entity: string,
  year: string,
  count: number,
): Promise<string[]> => {
  const prefix = `${slugOf(billing_entity)}-${year}-`;
  const [row] = await tx<{ last: number }[]>`
    select coalesce(max(right(h.invoice_bk, ${DIGITS})::integer), 0) as last
    from billing.invoice_h h
    where h.invoice_bk like ${`${prefix}${'_'.repeat(DIGITS)}`}`;
  const last = row?.last ?? 0;
  if (last + count >= 10 ** DIGITS)
    throw new RangeError(`${billing_entity} has used up its invoice numbers of ${year}`);
  return Array.from({ length: count }, (_, place) => `${prefix}${String(last + place + 1).padStart(DIGITS, '0')}`);
};

/** The entity's name as letters and digits; two entities with the same result share one sequence of numbers. */
const slugOf = (billing_entity: string): string => {
  const slug = billing_entity
    .normalize('NFKD')
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '');
  return slug === '' ? 'INVOICE' : slug;
};
