import fc from 'fast-check';
import type { Stamp, VaultRow } from '../../src/vault/rows.ts';
import { callRows, invoiceLine, rows, stamp, tenant } from './vault-fixture.ts';

/** What somebody said: rows that belong together, in any mix with those of others. */
export type Saying = readonly VaultRow[];

const second = fc.integer({ min: 0, max: 5 });
const at: fc.Arbitrary<Stamp> = fc.tuple(second, second).map(([load, applied]) => stamp(load, applied));
const customers = fc.constantFrom('acme', 'bolt');
const tenants = fc.constantFrom('north', 'south', 'west');

const tenantKey = (tenant_bk: string): string => rows.hubKey('tenant_h', { tenant_bk });

const stateSaying = fc
  .tuple(tenants, fc.constantFrom('A', 'B', 'C'), at)
  .map(
    ([tenant_bk, name, when]): Saying => [
      rows.hub('tenant_h', { tenant_bk }, when),
      rows.satellite('tenant_s', tenantKey(tenant_bk), tenant(name), when),
    ],
  );

const callSaying = fc.integer({ min: 0, max: 4 }).map((number): Saying => callRows(500_000 + number));

const setSaying = fc
  .tuple(fc.constantFrom('I-1', 'I-2'), fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }), at)
  .map(([invoice_bk, descriptions, when]): Saying => {
    const invoice_hk = rows.hubKey('invoice_h', { invoice_bk });
    const lines = descriptions.map((text, place) => invoiceLine(place + 1, text));
    return [
      rows.hub('invoice_h', { invoice_bk }, when),
      ...rows.satelliteSet('invoice_line_s', invoice_hk, lines, when),
    ];
  });

const effectivitySaying = fc
  .tuple(customers, fc.constantFrom('north', 'south'), fc.constantFrom(true, true, false), at)
  .map(([customer_bk, tenant_bk, is_effective, when]): Saying => {
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
  .map(([model_bk, record_source, is_present, when]): Saying => {
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
  .map(([table, tenant_name]): Saying => [{ table, values: { tenant_name } }]);

/** Sayings about few things at few instants, so that they meet, repeat and contradict each other. */
export const sayings: fc.Arbitrary<Saying[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: stateSaying },
    { weight: 2, arbitrary: callSaying },
    { weight: 3, arbitrary: setSaying },
    { weight: 8, arbitrary: effectivitySaying },
    { weight: 4, arbitrary: trackingSaying },
    { weight: 1, arbitrary: wrongSaying },
  ),
  // As many as are asked for: few sayings seldom meet.
  { minLength: 1, maxLength: 60, size: 'max' },
);

/** The satellites that sayings are about, by the kinds of their rows. */
export const SATELLITES = [
  'tenant_s',
  'api_request_s',
  'api_request_route_s',
  'invoice_line_s',
  'customer_tenant_effectivity_s',
  'model_provider_tracking_s',
] as const;
