import { tellableKey } from '../modules/api-keys/api-keys.ts';
import { makeSecret, type Secret } from '../modules/api-keys/secret.ts';
import { tellableConfig } from '../modules/customers/customers.ts';
import type { ControlDeps } from '../modules/deps.ts';
import { ADMIN_SCOPE, type Scope } from '../resources/access/permissions.ts';
import { type Change, type SaveDeps, save } from '../resources/writing/save.ts';
import type { Content, Stamp } from '../vault/rows.ts';

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

const ACTOR = { actor_kind: 'system', actor: 'first start' } as const;

/** Makes an administrator's key, and a demo customer (if it does not exist) with a key of its own. */
export const createFirstKeys = async (deps: SaveDeps & Pick<ControlDeps, 'reader'>): Promise<FirstKeys> => {
  const [api, admin] = [makeSecret(), makeSecret()];
  const customer_hk = deps.rows.hubKey('customer_h', { customer_bk: CUSTOMER });
  await save(deps, async (stamp, tx) => {
    const known = await deps.reader.current(tx, 'customer_config_s', { hash_keys: [customer_hk] });
    const changes = [
      ...(known.length > 0 ? [] : [demoCustomer(deps, customer_hk, stamp)]),
      keyChange(deps, api, { name: 'demo', scope: 'calls', customer: CUSTOMER }, stamp),
      keyChange(deps, admin, { name: 'administrator', scope: ADMIN_SCOPE, customer: null }, stamp),
    ];
    return {
      rows: changes.flatMap(({ rows }) => rows),
      events: changes.flatMap(({ events }) => events),
    };
  });
  return { api_key: api.secret, admin_key: admin.secret };
};

interface KeyInput {
  readonly name: string;
  readonly scope: Scope;
  readonly customer: string | null;
}

const keyChange = (
  { rows, nextId }: Pick<SaveDeps, 'rows' | 'nextId'>,
  { key_sha256, key_prefix }: Secret,
  { name, scope, customer }: KeyInput,
  stamp: Stamp,
): Change => {
  const api_key_bk = nextId();
  const api_key_hk = rows.hubKey('api_key_h', { api_key_bk });
  const details = {
    key_sha256,
    key_prefix,
    key_name: name,
    scopes: [scope],
    key_status: 'ACTIVE' as const,
    allowed_ips: null,
    expires_at: null,
    rate_limit_requests_per_minute: null,
  };
  const created = { action: 'api_key.create', subject_kind: 'api_key', subject: api_key_bk } as const;
  const customers = customer === null ? [] : [customer];
  return {
    rows: [
      rows.hub('api_key_h', { api_key_bk }, stamp),
      rows.satellite('api_key_s', api_key_hk, details, stamp),
      ...customers.map((customer_bk) =>
        rows.link('api_key_customer_l', { api_key_hk, customer_hk: rows.hubKey('customer_h', { customer_bk }) }, stamp),
      ),
    ],
    events: [
      {
        ...ACTOR,
        ...created,
        outcome: 'succeeded',
        customers,
        after: { customer, ...tellableKey(details) },
      },
    ],
  };
};

const CONFIG: Content<'customer_config_s'> = {
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
};

const demoCustomer = ({ rows }: Pick<SaveDeps, 'rows'>, customer_hk: string, stamp: Stamp): Change => {
  const tenant_hk = rows.hubKey('tenant_h', { tenant_bk: TENANT });
  const created = { action: 'customer.create', subject_kind: 'customer', subject: CUSTOMER } as const;
  return {
    rows: [
      rows.hub('customer_h', { customer_bk: CUSTOMER }, stamp),
      rows.link('customer_tenant_l', { customer_hk, tenant_hk }, stamp),
      rows.satellite(
        'customer_tenant_effectivity_s',
        rows.linkKey('customer_tenant_l', { customer_hk, tenant_hk }),
        { is_effective: true },
        stamp,
      ),
      rows.satellite('customer_config_s', customer_hk, CONFIG, stamp),
    ],
    events: [
      {
        ...ACTOR,
        ...created,
        outcome: 'succeeded',
        customers: [CUSTOMER],
        after: { tenant: TENANT, ...tellableConfig(CONFIG) },
      },
    ],
  };
};
