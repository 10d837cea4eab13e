import type { Sql } from '../../src/postgres/connect.ts';
import { GHOST_KEY } from '../../src/vault/entity.ts';

/** Totals of a customer's calls in the vault. Costs are pico-dollars. */
export interface VaultTotals {
  readonly customer: string;
  readonly calls: number;
  readonly charged_calls: number;
  readonly cost: bigint;
}

/** Totals of a customer's invoice. */
export interface InvoiceTotals {
  readonly invoice_number: string;
  readonly customer: string;
  readonly calls: number;
  readonly charged_calls: number;
  readonly total: bigint;
  readonly total_cents: bigint;
}

/** Totals by customer; calls without a known customer are under `unknown`. */
export const readVaultTotals = async (sql: Sql): Promise<VaultTotals[]> => {
  const rows = await sql<{ customer: string; calls: number; charged_calls: number; cost: string }[]>`
    select
      c.customer_bk as customer,
      count(*) as calls,
      count(*) filter (where s.rating = 'RATED') as charged_calls,
      coalesce(sum(s.customer_cost), 0) as cost
    from gateway.api_request_h h
    join gateway.api_request_l l using (api_request_hk, load_date)
    join gateway.api_request_s s using (api_request_hk, load_date)
    join gateway.customer_h c using (customer_hk)
    where h.api_request_hk <> ${GHOST_KEY}::bytea
    group by c.customer_bk
    order by c.customer_bk = 'unknown', c.customer_bk`;
  return rows.map((row) => ({ ...row, cost: BigInt(row.cost) }));
};

/** The ids of all calls in the vault, with duplicates. */
export const readRequestIds = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    select h.api_request_bk as id
    from gateway.api_request_h h
    join gateway.api_request_s s using (api_request_hk)
    where h.api_request_hk <> ${GHOST_KEY}::bytea`;
  return rows.map(({ id }) => id);
};

/** Charges of each customer from the spend job, in pico-dollars. */
export const readSpend = async (sql: Sql): Promise<Map<string, bigint>> => {
  const rows = await sql<{ customer: string; charges: string }[]>`
    select c.customer_bk as customer, sum(s.total_customer_charges) as charges
    from gateway.customer_spending_s_current s
    join gateway.customer_spending_l l using (spending_hk)
    join gateway.customer_h c using (customer_hk)
    where c.customer_bk <> 'unknown'
    group by c.customer_bk`;
  return new Map(rows.map(({ customer, charges }) => [customer, BigInt(charges)]));
};

export interface WindowTotals {
  readonly windows: number;
  /** Calls in the windows. */
  readonly requests: number;
  /** Calls with a provider in the vault. */
  readonly calls_at_providers: number;
}

/** Totals of the performance-windows job. */
export const readWindows = async (sql: Sql): Promise<WindowTotals> => {
  const [row] = await sql<WindowTotals[]>`
    select
      count(*) as windows,
      coalesce(sum(w.total_requests), 0)::bigint as requests,
      (
        select count(*)
        from gateway.api_request_l l
        where l.api_request_hk <> ${GHOST_KEY}::bytea
          and l.provider_hk <> ${GHOST_KEY}::bytea
      ) as calls_at_providers
    from gateway.provider_performance_s_current w
    where w.performance_hk <> ${GHOST_KEY}::bytea`;
  return row!;
};
