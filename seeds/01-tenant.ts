import type { Knex } from 'knex';
import { insertHubs, insertSatellites, SINCE_EVER } from './writing/vault-rows.ts';

/** The tenant that a first start works with. */
export const seed = async (knex: Knex): Promise<void> => {
  await insertHubs(knex, { table: 'auth.tenant_h', hash_key: 'tenant_hk', business_key: 'tenant_bk' }, ['demo']);
  await insertSatellites(
    knex,
    {
      table: 'auth.tenant_s',
      hash_key: 'tenant_hk',
      parent: `util.hash_hub('tenant_h', util.encode_text(row.tenant))`,
      key_columns: { tenant: 'text' },
      payload: { tenant_name: 'text', billing_entity: 'text' },
    },
    [{ tenant: 'demo', applied_date: SINCE_EVER, tenant_name: 'Demo', billing_entity: 'OneVault' }],
  );
};
