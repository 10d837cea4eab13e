import type { Stamp, VaultRow } from '../vault/rows.ts';
import { ADMIN_SCOPE } from './authenticate-admin.ts';
import type { ControlDeps } from './deps.ts';
import { save } from './save.ts';
import { makeSecret } from './secret.ts';

/** Keys that exist nowhere else in clear. */
export interface FirstKeys {
  readonly api_key: string;
  readonly admin_key: string;
}

const CUSTOMER = 'demo';
const TENANT = 'demo';
// A hundred US dollars in pico-dollars: enough to play with, and a limit to see.
const MONTHLY_BUDGET = '100000000000000';
const MARKUP_BASIS_POINTS = 2_000;

/** Makes an administrator's key, and a demo customer (where there is none) with a key of its own. */
export const createFirstKeys = async (deps: Omit<ControlDeps, 'snapshot'>): Promise<FirstKeys> => {
  const { rows } = deps;
  const [api, admin] = [makeSecret(), makeSecret()];
  const customer_hk = rows.hubKey('customer_h', { customer_bk: CUSTOMER });
  const keyRows = (secret: typeof api, key_name: string, scope: string, stamp: Stamp) => {
    const api_key_bk = deps.nextId();
    const api_key_hk = rows.hubKey('api_key_h', { api_key_bk });
    const { key_sha256, key_prefix } = secret;
    const details = {
      ...{ key_sha256, key_prefix, key_name, scopes: [scope], key_status: 'ACTIVE' as const },
      ...{ allowed_ips: null, expires_at: null, rate_limit_requests_per_minute: null },
    };
    return {
      api_key_hk,
      made: [
        rows.hub('api_key_h', { api_key_bk }, stamp),
        rows.satellite('api_key_s', api_key_hk, details, stamp),
      ],
    };
  };
  await save(deps, async (stamp, tx) => {
    const calls = keyRows(api, 'demo', 'calls', stamp);
    const { api_key_hk } = calls;
    const made: VaultRow[] = [
      ...calls.made,
      ...keyRows(admin, 'administrator', ADMIN_SCOPE, stamp).made,
      rows.link('api_key_customer_l', { api_key_hk, customer_hk }, stamp),
    ];
    const known = await deps.reader.current(tx, 'customer_config_s', { hash_keys: [customer_hk] });
    return known.length > 0 ? made : [...made, ...customerRows(deps, customer_hk, stamp)];
  });
  return { api_key: api.secret, admin_key: admin.secret };
};

const customerRows = ({ rows }: Pick<ControlDeps, 'rows'>, customer_hk: string, stamp: Stamp): VaultRow[] => {
  const tenant_hk = rows.hubKey('tenant_h', { tenant_bk: TENANT });
  return [
    rows.hub('customer_h', { customer_bk: CUSTOMER }, stamp),
    rows.link('customer_tenant_l', { customer_hk, tenant_hk }, stamp),
    rows.satellite(
      'customer_tenant_effectivity_s',
      rows.linkKey('customer_tenant_l', { customer_hk, tenant_hk }),
      { is_effective: true },
      stamp,
    ),
    rows.satellite(
      'customer_config_s',
      customer_hk,
      {
        customer_name: 'Demo customer',
        customer_status: 'ACTIVE',
        api_key_encrypted: null,
        preferred_providers: null,
        cost_budget_monthly: MONTHLY_BUDGET,
        cost_budget_daily: null,
        compliance_level: null,
        rate_limit_requests_per_minute: null,
        priority_tier: 'STANDARD',
        webhook_url: null,
        markup_basis_points: MARKUP_BASIS_POINTS,
        unpriced_policy: 'refuse',
      },
      stamp,
    ),
  ];
};
