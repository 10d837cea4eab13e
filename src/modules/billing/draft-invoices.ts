import { allotCents } from './allot-cents.ts';

/** A row of the model invoice_line: calls of a customer without an invoice. Costs are pico-dollars. */
export interface ModelLine {
  readonly customer: string;
  readonly billing_entity: string | null;
  readonly billing_period: string;
  readonly period_start: string;
  readonly period_end: string;
  readonly service_period: string;
  readonly line_kind: 'usage' | 'unpriced' | 'no_usage';
  readonly provider: string | null;
  readonly model: string | null;
  readonly call_count: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly provider_cost: string;
  readonly gateway_markup: string;
  readonly control_sum: string;
  readonly is_billed_already: boolean;
}

export interface InvoiceLine {
  readonly line_number: number;
  readonly description: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly call_count: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly provider_cost: string;
  readonly gateway_markup: string;
  readonly amount: string;
  readonly amount_cents: number;
  readonly service_period: string;
  readonly control_sum: string;
}

/** An invoice that only lacks its number and its instant of issue. */
export interface InvoiceDraft {
  readonly customer: string;
  readonly billing_entity: string;
  readonly billing_period: string;
  readonly period_start: string;
  readonly period_end: string;
  readonly provider_cost: string;
  readonly gateway_markup: string;
  readonly total: string;
  readonly total_cents: number;
  readonly call_count: number;
  readonly lines: readonly InvoiceLine[];
}

export interface Drafts {
  /** By customer, in the order of their slugs. */
  readonly drafts: readonly InvoiceDraft[];
  /** Reasons why customers with usage get no invoice, one text each. */
  readonly faults: readonly string[];
}

const KINDS = ['usage', 'unpriced', 'no_usage'] as const;

/**
 * Invoices for the customers with usage. A customer whose calls had no usage waits for the next invoice. A customer
 * with an invoice for the period gets late calls on the next period's invoice.
 */
export const draftInvoices = (rows: readonly ModelLine[]): Drafts => {
  const drafts: InvoiceDraft[] = [];
  const faults: string[] = [];
  const by_customer = Map.groupBy(rows, (row) => row.customer);
  for (const customer of [...by_customer.keys()].toSorted()) {
    const lines = by_customer.get(customer)!;
    const [first] = lines;
    if (first === undefined || first.is_billed_already || lines.every((line) => line.line_kind === 'no_usage'))
      continue;
    const { billing_entity } = first;
    if (billing_entity === null) faults.push(`${customer} belongs to no tenant, so no entity can bill it`);
    else if (lines.some((line) => amountOf(line) !== pico(line.control_sum))) {
      faults.push(`${customer} has calls whose cost is not provider cost and markup together`);
    } else drafts.push(draft(customer, billing_entity, lines.toSorted(compareLines)));
  }
  return { drafts, faults };
};

const draft = (customer: string, billing_entity: string, rows: readonly ModelLine[]): InvoiceDraft => {
  const { billing_period, period_start, period_end } = rows[0]!;
  const cents = allotCents(rows.map(amountOf));
  const lines = rows.map(
    (row, place): InvoiceLine => ({
      line_number: place + 1,
      description: descriptionOf(row),
      provider: row.provider,
      model: row.model,
      call_count: row.call_count,
      prompt_tokens: row.prompt_tokens,
      completion_tokens: row.completion_tokens,
      cached_tokens: row.cached_tokens,
      provider_cost: row.provider_cost,
      gateway_markup: row.gateway_markup,
      amount: amountOf(row).toString(),
      amount_cents: Number(cents[place]),
      service_period: row.service_period,
      control_sum: row.control_sum,
    }),
  );
  const sum = (column: 'provider_cost' | 'gateway_markup' | 'amount'): string =>
    lines.reduce((total, line) => total + pico(line[column]), 0n).toString();
  return {
    customer,
    billing_entity,
    billing_period,
    period_start,
    period_end,
    provider_cost: sum('provider_cost'),
    gateway_markup: sum('gateway_markup'),
    total: sum('amount'),
    total_cents: lines.reduce((total, line) => total + line.amount_cents, 0),
    call_count: lines.reduce((total, line) => total + line.call_count, 0),
    lines,
  };
};

const descriptionOf = (row: ModelLine): string => {
  const late = row.service_period === row.billing_period ? '' : ` (late usage of ${row.service_period.slice(0, 7)})`;
  switch (row.line_kind) {
    case 'usage':
      return `${row.model} at ${row.provider}${late}`;
    case 'unpriced':
      return `${row.model} at ${row.provider}: calls without a price, not charged${late}`;
    case 'no_usage':
      return `Calls without usage (refused, failed or given up), not charged${late}`;
  }
};

/** This period's lines first, then late ones, the oldest last; within a period usage, unpriced, without usage. */
const compareLines = (a: ModelLine, b: ModelLine): number =>
  compare(b.service_period, a.service_period) ||
  KINDS.indexOf(a.line_kind) - KINDS.indexOf(b.line_kind) ||
  compare(a.provider ?? '', b.provider ?? '') ||
  compare(a.model ?? '', b.model ?? '');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const amountOf = (line: ModelLine): bigint => pico(line.provider_cost) + pico(line.gateway_markup);

/** @throws RangeError if a sum is finer than a pico-dollar, which no call's cost is */
const pico = (text: string): bigint => {
  if (!/^-?\d+$/.test(text)) throw new RangeError(`not a whole number of pico-dollars: ${text}`);
  return BigInt(text);
};
