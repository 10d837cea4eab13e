import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { InvoiceDraft, InvoiceLine } from './draft-invoices.ts';

/**
 * An invoice document; every format is rendered from this value. Costs are pico-dollars (1e-12 USD) as
 * decimal strings, cents are numbers.
 */
export interface InvoiceDocument {
  readonly document: 'invoice';
  readonly invoice_number: string;
  readonly billing_entity: string;
  readonly customer: string;
  readonly currency: string;
  readonly billing_period: string;
  readonly period_start: string;
  readonly period_end: string;
  readonly issued_at: string;
  readonly known_at: string;
  /** By journal writer, the last sequence whose calls are covered. */
  readonly cut_off: Readonly<Record<string, number>>;
  /** SHA-256 of the query of the lines, hex. */
  readonly query_sha256: string;
  readonly call_count: number;
  readonly provider_cost: string;
  readonly gateway_markup: string;
  readonly total: string;
  readonly total_cents: number;
  readonly lines: readonly InvoiceLine[];
}

export type IssueFacts = Pick<
  InvoiceDocument,
  'invoice_number' | 'issued_at' | 'known_at' | 'cut_off' | 'query_sha256'
>;

export const CURRENCY = 'USD';

/** The document of a draft that is issued. */
export const documentOf = (draft: InvoiceDraft, facts: IssueFacts): InvoiceDocument => ({
  document: 'invoice',
  currency: CURRENCY,
  ...draft,
  ...facts,
});

/** The document as JSON (RFC 8785): `document_sha256` covers these bytes. */
export const invoiceJson = (document: InvoiceDocument): string => canonicalJson(document, 'invoice');

/** SHA-256 of the document's JSON, hex. */
export const documentSha256 = (document: InvoiceDocument): string =>
  createHash('sha256').update(invoiceJson(document)).digest('hex');
