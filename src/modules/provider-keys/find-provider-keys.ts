import type { CustomModel } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { ControlDeps } from '../deps.ts';
import { type KeyDetails, type TermsDetails, usdText } from './read-provider-key.ts';

/** A key with all that is said of it. Its `hash_diff` is that of the key's own satellite. */
export interface ProviderKeyRow extends KeyDetails, TermsDetails {
  readonly id: string;
  readonly customer: string;
  readonly provider: string;
  readonly created_at: string;
  readonly hash_diff: string;
}

/** One key of a customer. @throws OneVaultError not_found, also where it is another customer's */
export const findProviderKey = async (
  { sql }: { readonly sql: Sql | Transaction },
  slug: string,
  id: string,
): Promise<ProviderKeyRow> => {
  const [row] =
    isUuid(id) && !slug.includes('\0')
      ? await sql<ProviderKeyRow[]>`
          ${selectProviderKey(sql)}
          where c.customer_bk = ${slug}
            and h.customer_provider_key_bk = ${id}`
      : [];
  if (row !== undefined) return row;
  throw new OneVaultError('not_found', { details: `${slug} has no provider key ${id}.` });
};

/** Keys of a customer by id, which is by age, revoked ones included. */
export const listKeysOf = (
  { sql }: Pick<ControlDeps, 'sql'>,
  slug: string,
  { limit, after }: { readonly limit: number; readonly after: string },
): Promise<ProviderKeyRow[]> => sql<ProviderKeyRow[]>`
  ${selectProviderKey(sql)}
  where c.customer_bk = ${slug}
    and h.customer_provider_key_bk > ${after}
  order by h.customer_provider_key_bk
  limit ${limit}`;

const selectProviderKey = (sql: Sql | Transaction) => sql`
  select
    h.customer_provider_key_bk as id,
    c.customer_bk as customer,
    p.provider_bk as provider,
    h.load_date as created_at,
    t.base_url,
    t.key_hint,
    t.own_models,
    t.fallback,
    s.*
  from gateway.customer_provider_keys_s_current s
  join gateway.customer_provider_key_terms_s_current t using (customer_provider_key_hk)
  join gateway.customer_provider_keys_h h using (customer_provider_key_hk)
  join gateway.customer_provider_keys_l l using (customer_provider_key_hk)
  join gateway.customer_h c using (customer_hk)
  join gateway.ai_provider_h p using (provider_hk)`;

/** What anybody is shown of a key: never the key. */
export const present = (row: ProviderKeyRow) => ({
  id: row.id,
  customer: row.customer,
  provider: row.provider,
  key_hint: row.key_hint,
  status: row.key_status,
  base_url: row.base_url,
  allowed_models: row.allowed_models,
  own_models: row.own_models as unknown as CustomModel[],
  daily_spending_limit: usdText(row.daily_spending_limit),
  monthly_spending_limit: usdText(row.monthly_spending_limit),
  fallback: row.fallback,
  last_validated: row.last_validated,
  created_at: row.created_at,
});

/** What an event may tell of a key: no part of it, sealed or not. */
export const tellable = ({ details, terms }: { readonly details: KeyDetails; readonly terms: TermsDetails }) => {
  const { api_key_encrypted: _key, encryption_key_id: _id, ...rest } = details;
  const { key_hint: _hint, ...more } = terms;
  return { ...rest, ...more };
};
