import type { NewEvent } from '../../audit/record-event.ts';
import { lockName, save } from '../../resources/writing/save.ts';
import type { Stamp, VaultRow } from '../../vault/rows.ts';
import type { ControlDeps } from '../deps.ts';
import { findProviderKey, type ProviderKeyRow } from './find-provider-keys.ts';
import type { KeyDetails, TermsDetails } from './read-provider-key.ts';

/** All that is said of a key. */
export interface KeyState {
  readonly details: KeyDetails;
  readonly terms: TermsDetails;
}

/** Keeps changes of a customer's keys one after the other, until the transaction ends. */
export const lockKeysOf = (tx: Parameters<typeof lockName>[0], customer: string): Promise<void> =>
  lockName(tx, `provider-keys/${customer}`);

/** A key, and whose it is at which provider. */
export const newRows = (
  { rows }: ControlDeps,
  id: string,
  customer: string,
  provider: string,
  stamp: Stamp,
): VaultRow[] => {
  const key = { customer_provider_key_bk: id };
  const hubs = {
    customer_provider_key_hk: rows.hubKey('customer_provider_keys_h', key),
    customer_hk: rows.hubKey('customer_h', { customer_bk: customer }),
    provider_hk: rows.hubKey('ai_provider_h', { provider_bk: provider }),
  };
  return [rows.hub('customer_provider_keys_h', key, stamp), rows.link('customer_provider_keys_l', hubs, stamp)];
};

/** What is said of a key. */
export const stateRows = (
  { rows }: ControlDeps,
  id: string,
  { details, terms }: KeyState,
  stamp: Stamp,
): VaultRow[] => {
  const key_hk = rows.hubKey('customer_provider_keys_h', { customer_provider_key_bk: id });
  return [
    rows.satellite('customer_provider_keys_s', key_hk, details, stamp),
    rows.satellite('customer_provider_key_terms_s', key_hk, terms, stamp),
  ];
};

interface KeyChange {
  readonly customer: string;
  readonly id: string;
  /** What the key becomes; null where it stays as it is. */
  readonly change: (current: ProviderKeyRow) => KeyState | null;
  readonly tell: (before: KeyState, after: KeyState) => NewEvent;
}

/** Says something new of a key, from what holds when its turn comes. @throws OneVaultError not_found */
export const saveChange = (deps: ControlDeps, { customer, id, change, tell }: KeyChange): Promise<void> =>
  save(deps, async (stamp, tx) => {
    await lockKeysOf(tx, customer);
    const current = await findProviderKey({ sql: tx }, customer, id);
    const after = change(current);
    if (after === null) return null;
    return { rows: stateRows(deps, id, after, stamp), events: [tell(stateOf(current), after)] };
  });

export const stateOf = (row: ProviderKeyRow): KeyState => ({
  details: detailsOf(row),
  terms: termsDetailsOf(row),
});

const detailsOf = (row: ProviderKeyRow): KeyDetails => ({
  api_key_encrypted: row.api_key_encrypted,
  encryption_key_id: row.encryption_key_id,
  key_status: row.key_status,
  daily_spending_limit: row.daily_spending_limit,
  monthly_spending_limit: row.monthly_spending_limit,
  allowed_models: row.allowed_models,
  last_validated: row.last_validated,
});

const termsDetailsOf = (row: ProviderKeyRow): TermsDetails => ({
  base_url: row.base_url,
  key_hint: row.key_hint,
  own_models: row.own_models,
  fallback: row.fallback,
});
