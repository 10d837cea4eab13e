import { sortRules } from './rule-conditions.ts';
import type { Deployment, Model, ProviderKey, RoutingRule, Snapshot } from './snapshot.ts';
import type { PartName, Parts } from './snapshot-parts.ts';

export interface Assembled {
  readonly parts: Parts;
  readonly snapshot: Snapshot;
}

/** The snapshot of parts; results of unchanged parts are reused from the last one. */
export const assembleSnapshot = (built_at: string, parts: Parts, before: Assembled | null): Snapshot => {
  const kept = <T>(names: readonly PartName[], of: (snapshot: Snapshot) => T, make: () => T): T =>
    before !== null && names.every((name) => parts[name] === before.parts[name]) ? of(before.snapshot) : make();
  return {
    built_at,
    customers: kept(
      ['customers'],
      ({ customers }) => customers,
      () => new Map(valuesOf(parts.customers).map((customer) => [customer.customer, customer])),
    ),
    api_keys: kept(
      ['api_keys'],
      ({ api_keys }) => api_keys,
      () => new Map(valuesOf(parts.api_keys).map((api_key) => [api_key.key_sha256, api_key])),
    ),
    providers: kept(
      ['providers'],
      ({ providers }) => providers,
      () => new Map(valuesOf(parts.providers).map((provider) => [provider.provider, provider])),
    ),
    models: kept(
      ['models', 'deployments', 'prices'],
      ({ models }) => models,
      () => modelsOf(parts),
    ),
    agreed_prices: kept(
      ['agreed_prices'],
      ({ agreed_prices }) => agreed_prices,
      () =>
        new Map([...parts.agreed_prices.values()].map((all) => [all[0]!.agreed_key, all.map(({ price }) => price)])),
    ),
    provider_keys: kept(
      ['provider_keys'],
      ({ provider_keys }) => provider_keys,
      () => Map.groupBy(valuesOf(parts.provider_keys).toSorted(newestFirst), ({ customer }) => customer),
    ),
    ...kept(
      ['rules'],
      ({ routing_rules, unusable_rules }) => ({ routing_rules, unusable_rules }),
      () => sortRules(valuesOf(parts.rules).toSorted(byPriority)),
    ),
  };
};

const valuesOf = <T>(part: ReadonlyMap<string, readonly T[]>): T[] => [...part.values()].flat();

const modelsOf = ({ models, deployments, prices }: Parts): Snapshot['models'] => {
  const with_prices = [...deployments].flatMap(([key, all]) =>
    all.map((each): Deployment => ({ ...each, prices: prices.get(key) ?? [] })),
  );
  const by_model = Map.groupBy(
    with_prices.toSorted((a, b) => compare(a.provider, b.provider)),
    ({ model }) => model,
  );
  return new Map(
    valuesOf(models)
      .toSorted((a, b) => compare(a.model, b.model))
      .map((row): [string, Model] => [row.model, { ...row, deployments: by_model.get(row.model) ?? [] }]),
  );
};

/** Ids of keys are UUIDs of version 7: the newest has the greatest. */
const newestFirst = (a: ProviderKey, b: ProviderKey): number => compare(b.provider_key, a.provider_key);

const byPriority = (a: RoutingRule, b: RoutingRule): number =>
  a.rule_priority - b.rule_priority || compare(a.routing_rule, b.routing_rule);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
