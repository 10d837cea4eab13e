import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Sql } from '../../postgres/connect.ts';
import type { Registry } from '../../vault/registry.ts';
import { invoiceJson } from './invoice-document.ts';
import { readInvoices } from './read-invoices.ts';
import { invoiceHtml } from './render-html.ts';

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
 * Writes issued invoices as `<number>.json` and `<number>.html` into `folder` (made if missing), in the order of
 * their numbers. The JSON file's SHA-256 is the invoice's document_sha256.
 * @param input.period a month as `2026-10`; without it every invoice
 * @throws Error when an invoice's rows no longer give the issued document, and errors of the file system
 */
export const writeInvoiceDocuments = async (
  deps: { readonly sql: Sql; readonly registry: Registry },
  { folder, period }: { readonly folder: string; readonly period?: string | undefined },
): Promise<InvoiceFile[]> => {
  const invoices = await readInvoices(deps, period);
  await mkdir(folder, { recursive: true });
  const files: InvoiceFile[] = [];
  for (const invoice of invoices) {
    const { invoice_number, customer, total_cents, call_count } = invoice;
    const path = resolve(join(folder, invoice_number));
    const file = {
      invoice_number,
      customer,
      total_cents,
      call_count,
      json_path: `${path}.json`,
      html_path: `${path}.html`,
    };
    await writeFile(file.json_path, invoiceJson(invoice));
    await writeFile(file.html_path, invoiceHtml(invoice));
    files.push(file);
  }
  return files;
};
