import type { Sql } from '../../core/postgres.ts';
import type { Registry } from '../../vault/registry.ts';

export interface InvoiceFile {
  readonly invoice_number: string;
  readonly customer: string;
  /** Absolute paths. */
  readonly json_path: string;
  readonly html_path: string;
  readonly total_cents: number;
  readonly call_count: number;
}

/**
 * Writes issued invoices as `<number>.json` and `<number>.html` into `folder` (made if missing).
 * @param input.period first day of the month (`2026-11-01`); without it every invoice
 */
export const writeInvoiceDocuments = async (
  _deps: { readonly sql: Sql; readonly registry: Registry },
  _input: { readonly folder: string; readonly period?: string | undefined },
): Promise<InvoiceFile[]> => {
  throw new Error('unfinished');
};
