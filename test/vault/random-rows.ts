import fc from 'fast-check';
import type { Stamp, VaultRow } from '../../src/vault/rows.ts';
import { callRows, invoiceLine, rows, stamp, tenant } from './vault-fixture.ts';

/** Rows that belong together, in any mix with rows of other groups. */
export type RowGroup = readonly VaultRow[];

const second = fc.integer({ min: 0, max: 5 });
const at: fc.Arbitrary<Stamp> = fc.tuple(second, second).map(([load, applied]) => stamp(load, applied));
const customers = fc.constantFrom('acme', 'bolt');
const tenants = fc.constantFrom('north', 'south', 'west');

const tenantKey = (tenant_bk: string): string => rows.hubKey('tenant_h', { tenant_bk });

const stateSaying = fc
  .tuple(tenants, fc.constantFrom('A', 'B', 'C'), at)
  .map(
    ([tenant_bk, name, when]): RowGroup => [
      rows.hub('tenant_h', { tenant_bk }, when),
      rows.satellite('tenant_s', tenantKey(tenant_bk), tenant(name), when),
    ],
  );

const callSaying = fc.integer({ min: 0, max: 4 }).map((number): RowGroup => callRows(500_000 + number));

const setSaying = fc
  .tuple(fc.constantFrom('I-1', 'I-2'), fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }), at)
  .map(([invoice_bk, descriptions, when]): RowGroup => {
    const invoice_hk = rows.hubKey('invoice_h', { invoice_bk });
    const lines = descriptions.map((text, place) => invoiceLine(place + 1, text));
    return [
      rows.hub('invoice_h', { invoice_bk }, when),
      ...rows.satelliteSet('invoice_line_s', invoice_hk, lines, when),
    ];
  });

const effectivitySaying = fc
  .tuple(customers, fc.constantFrom('north', 'south'), fc.constantFrom(true, true, false), at)
  .map(([customer_bk, tenant_bk, is_effective, when]): RowGroup => {
    const hubs = { customer_hk: rows.hubKey('customer_h', { customer_bk }), tenant_hk: tenantKey(tenant_bk) };
    const link_hk = rows.linkKey('customer_tenant_l', hubs);
    return [
      rows.hub('customer_h', { customer_bk }, when),
      rows.link('customer_tenant_l', hubs, when),
      rows.satellite('customer_tenant_effectivity_s', link_hk, { is_effective }, when),
    ];
  });

const trackingSaying = fc
  .tuple(fc.constantFrom('m-1', 'm-2'), fc.constantFrom('source a', 'source b'), fc.boolean(), at)
  .map(([model_bk, record_source, is_present, when]): RowGroup => {
    const hubs = {
      model_hk: rows.hubKey('model_h', { model_bk }),
      provider_hk: rows.hubKey('ai_provider_h', { provider_bk: 'p' }),
    };
    const from_source = { ...when, record_source };
    return [
      rows.link('model_provider_l', hubs, from_source),
      rows.satellite('model_provider_tracking_s', rows.linkKey('model_provider_l', hubs), { is_present }, from_source),
    ];
  });

const wrongSaying = fc
  .tuple(fc.constantFrom('tenant_s', 'customer_h', 'no_such_s'), fc.constantFrom('a\0', '\udead', 'plain', 7, null))
  .map(([table, tenant_name]): RowGroup => [{ table, values: { tenant_name } }]);

/** Groups of rows with few keys and few instants, so that they overlap, repeat and conflict. */
export const rowGroups: fc.Arbitrary<RowGroup[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: stateSaying },
    { weight: 2, arbitrary: callSaying },
    { weight: 3, arbitrary: setSaying },
    { weight: 8, arbitrary: effectivitySaying },
    { weight: 4, arbitrary: trackingSaying },
    { weight: 1, arbitrary: wrongSaying },
  ),
  // The largest size, because few groups rarely overlap.
  { minLength: 1, maxLength: 60, size: 'max' },
);

/** The satellites of these rows. */
export const SATELLITES = [
  'tenant_s',
  'api_request_s',
  'api_request_route_s',
  'invoice_line_s',
  'customer_tenant_effectivity_s',
  'model_provider_tracking_s',
] as const;
