import type { Transaction } from '../../vault/transaction.ts';
import { boundsOf } from './due-days.ts';

/** Sums of the calls of a day, in the grain of the model usage_daily. */
export interface DayUsage {
  /** Day on which the calls were received: `YYYY-MM-DD`. */
  readonly usage_day: string;
  readonly customer: string;
  readonly provider: string;
  readonly model: string;
  readonly call_count: number;
  readonly total_tokens: number;
  /** Pico-dollars, decimal strings. */
  readonly provider_cost: string;
  readonly gateway_markup: string;
  readonly customer_cost: string;
}

export const readDayUsage = async (tx: Transaction, day: string): Promise<DayUsage[]> => {
  const { from, to } = boundsOf(day);
  return [
    ...(await tx<DayUsage[]>`
      select
        (s.request_timestamp at time zone 'UTC')::date::text as usage_day,
        customer.customer_bk as customer,
        coalesce(provider.provider_bk, 'unknown') as provider,
        coalesce(model.model_bk, 'unknown') as model,
        count(*) as call_count,
        coalesce(sum(s.total_tokens), 0)::bigint as total_tokens,
        trim_scale(coalesce(sum(s.provider_cost), 0))::text as provider_cost,
        trim_scale(coalesce(sum(s.gateway_markup), 0))::text as gateway_markup,
        trim_scale(coalesce(sum(s.customer_cost), 0))::text as customer_cost
      from gateway.api_request_s s
      join gateway.api_request_l l using (load_date, api_request_hk)
      join gateway.customer_h customer using (customer_hk)
      left join gateway.ai_provider_h provider using (provider_hk)
      left join gateway.model_h model using (model_hk)
      where s.load_date >= ${from}::text::timestamptz
        and s.load_date < ${to}::text::timestamptz
        and l.load_date >= ${from}::text::timestamptz
        and l.load_date < ${to}::text::timestamptz
        and customer.customer_bk <> 'unknown'
      group by 1, 2, 3, 4
      order by 1, 2, 3, 4`),
  ];
};
