import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';

/** The spend of customers since an instant, as the vault knows it, and the last journal records that it covers. */
export interface KnownSpending {
  readonly spending: readonly { readonly customer: string; readonly day: string; readonly amount: bigint }[];
  /** The costs that providers billed to customers' own keys. */
  readonly key_spending: readonly {
    readonly provider_key: string;
    readonly day: string;
    readonly amount: bigint;
  }[];
  /** By journal writer: the sequence up to which its records are counted. */
  readonly positions: ReadonlyMap<string, number>;
}

/**
 * Reads both as of one moment.
 * @param since the beginning of a month, ISO 8601, UTC
 */
export const readSpending = async (sql: Sql, since: string): Promise<KnownSpending> => {
  const [spent, positions, through_keys] = await sql.begin('isolation level repeatable read read only', (tx) =>
    Promise.all([
      tx<{ customer: string; day: string; amount: string }[]>`
        select
          c.customer_bk as customer,
          (s.request_timestamp at time zone 'UTC')::date as day,
          sum(s.customer_cost) as amount
        from gateway.api_request_s s
        join gateway.api_request_l l using (api_request_hk)
        join gateway.customer_h c using (customer_hk)
        where s.load_date >= ${since}
          and l.load_date >= ${since}
          and s.request_timestamp >= ${since}
          and s.customer_cost > 0
        group by 1, 2`,
      tx<{ writer: string; position: number }[]>`
        select b.writer, max(b.last_sequence) as position
        from ops.journal_batch b
        group by b.writer`,
      selectKeySpending(tx, since),
    ]),
  );
  return {
    spending: spent.map(({ customer, day, amount }) => ({ customer, day, amount: BigInt(amount) })),
    key_spending: through_keys.map(({ amount, ...rest }) => ({ ...rest, amount: BigInt(amount) })),
    positions: new Map(positions.map(({ writer, position }) => [writer, position])),
  };
};

/** Reads the month's routes only if there are keys with limits. */
const selectKeySpending = (tx: Transaction, since: string) => tx<
  { provider_key: string; day: string; amount: string }[]
>`
  select
    a.attempt ->> 'provider_key' as provider_key,
    (s.applied_date at time zone 'UTC')::date as day,
    sum((a.attempt ->> 'provider_key_cost')::numeric) as amount
  from gateway.api_request_route_s s
  cross join lateral jsonb_array_elements(s.attempts) a (attempt)
  where s.load_date >= ${since}
    and s.applied_date >= ${since}
    and a.attempt ->> 'provider_key_cost' is not null
    and exists (
      select 1
      from gateway.customer_provider_keys_s_current k
      where k.daily_spending_limit is not null
        or k.monthly_spending_limit is not null
    )
  group by 1, 2`;
