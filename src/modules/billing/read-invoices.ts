import type { Sql } from '../../postgres/connect.ts';
import { createReader } from '../../vault/read.ts';
import type { Registry } from '../../vault/registry.ts';
import { firstDayOf, parsePeriod } from './billing-period.ts';
import { documentSha256, type InvoiceDocument } from './invoice-document.ts';

/**
 * The issued invoices as documents, in the order of their numbers.
 * @param period a month as `2026-10`; without it every invoice
 * @throws InputError when the period is not a month
 * @throws Error when an invoice's rows no longer give the issued document
 */
export const readInvoices = async (
  { sql, registry }: { readonly sql: Sql; readonly registry: Registry },
  period: string | undefined,
): Promise<InvoiceDocument[]> => {
  const billing_period = period === undefined ? null : firstDayOf(parsePeriod(period));
  const keys = await sql<{ invoice_hk: string; invoice_bk: string; customer_bk: string }[]>`
    select h.invoice_hk, h.invoice_bk, c.customer_bk
    from billing.invoice_h h
    join billing.invoice_customer_l l on l.invoice_hk = h.invoice_hk
    join gateway.customer_h c on c.customer_hk = l.customer_hk
    where ${billing_period}::text::date is null
      or exists (
        select
        from billing.invoice_s s
        where s.invoice_hk = h.invoice_hk
          and s.billing_period = ${billing_period}::text::date)
    order by h.invoice_bk`;
  const reader = createReader(registry);
  const filter = { hash_keys: keys.map((key) => key.invoice_hk) };
  const states = new Map((await reader.current(sql, 'invoice_s', filter)).map((state) => [state.invoice_hk, state]));
  const lines = Map.groupBy(await reader.current(sql, 'invoice_line_s', filter), (line) => line.invoice_hk);
  return keys.map(({ invoice_hk, invoice_bk, customer_bk }) => {
    const state = states.get(invoice_hk);
    const its = lines.get(invoice_hk) ?? [];
    if (state === undefined) throw new Error(`the invoice ${invoice_bk} has no state in the vault`);
    const document: InvoiceDocument = {
      document: 'invoice',
      invoice_number: invoice_bk,
      customer: customer_bk,
      billing_entity: state.billing_entity,
      currency: state.currency,
      billing_period: state.billing_period,
      period_start: state.period_start,
      period_end: state.period_end,
      issued_at: state.issued_at,
      known_at: state.known_at,
      cut_off: state.cut_off as Record<string, number>,
      query_sha256: its[0]?.query_sha256 ?? '',
      call_count: state.call_count,
      provider_cost: state.provider_cost,
      gateway_markup: state.gateway_markup,
      total: state.total,
      total_cents: state.total_cents,
      lines: its.map((line) => ({
        line_number: line.line_number,
        description: line.description,
        provider: line.provider,
        model: line.model,
        call_count: line.call_count,
        prompt_tokens: line.prompt_tokens,
        completion_tokens: line.completion_tokens,
        cached_tokens: line.cached_tokens,
        provider_cost: line.provider_cost,
        gateway_markup: line.gateway_markup,
        amount: line.amount,
        amount_cents: line.amount_cents,
        service_period: line.service_period,
        control_sum: line.control_sum,
      })),
    };
    if (documentSha256(document) !== state.document_sha256) {
      throw new Error(`the invoice ${invoice_bk} is not what was issued: its document has another SHA-256`);
    }
    return document;
  });
};
