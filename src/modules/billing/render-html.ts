import { escapeHtml } from '../../core/html.ts';
import { HTML_END, htmlHead } from '../../core/html-document.ts';
import { usdFromPico } from '../../core/money.ts';
import type { InvoiceLine } from './draft-invoices.ts';
import { documentSha256, type InvoiceDocument } from './invoice-document.ts';

/** The invoice as a page without external resources. */
export const invoiceHtml = (invoice: InvoiceDocument): string => {
  const facts: [string, string][] = [
    ['Invoice', invoice.invoice_number],
    ['From', invoice.billing_entity],
    ['To', invoice.customer],
    ['Period', `${invoice.period_start} to ${invoice.period_end}, the end excluded`],
    ['Issued', invoice.issued_at],
    ['Usage known at', invoice.known_at],
    ['Calls', String(invoice.call_count)],
  ];
  return `${htmlHead(`Invoice ${invoice.invoice_number}`)}<h1>Invoice ${escapeHtml(invoice.invoice_number)}</h1>
<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>
<h2>Usage</h2>
<table>
<thead><tr><th>Description</th><th>Service month</th>${numberHeads}</tr></thead>
<tbody>
${invoice.lines.map(lineHtml).join('\n')}
<tr class="total"><td colspan="6">Total</td><td class="number">${exact(invoice.total)}</td><td class="number">${dollars(invoice.total_cents)}</td></tr>
</tbody>
</table>
<p class="note">Amounts are in ${invoice.currency}. The exact amounts are summed first and rounded once, half to even; the
cents are allotted to the lines by largest remainder, so that the lines sum to the total.</p>
<h2>Evidence</h2>
<dl><dt>SHA-256 of the JSON document</dt><dd>${documentSha256(invoice)}</dd>
<dt>SHA-256 of the query</dt><dd>${invoice.query_sha256}</dd>
<dt>Cut-off</dt><dd>${Object.entries(invoice.cut_off)
    .map(([writer, last]) => `${escapeHtml(writer)}: ${last}`)
    .join('<br>')}</dd></dl>
${HTML_END}`;
};

const numberHeads = ['Calls', 'Prompt tokens', 'Reply tokens', 'Cached tokens', 'Exact amount', 'Amount']
  .map((name) => `<th class="number">${name}</th>`)
  .join('');

const lineHtml = (line: InvoiceLine): string => {
  const numbers = [
    line.call_count,
    line.prompt_tokens,
    line.completion_tokens,
    line.cached_tokens,
    exact(line.amount),
    dollars(line.amount_cents),
  ];
  const cells = numbers.map((value) => `<td class="number">${value}</td>`).join('');
  return `<tr><td>${escapeHtml(line.description)}</td><td>${line.service_period.slice(0, 7)}</td>${cells}</tr>`;
};

const exact = (pico: string): string => usdFromPico(BigInt(pico));

const dollars = (cents: number): string => {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
};
