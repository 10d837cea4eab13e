import { apiKeys } from '../modules/api-keys/api-keys.ts';
import { customers } from '../modules/customers/customers.ts';
import { ADMIN_SCOPE } from '../resources/access/permissions.ts';
import { resolveResource } from '../resources/declaration/model.ts';
import type { Columns, Resource } from '../resources/declaration/resource.ts';
import type { EngineDeps } from '../resources/engine-deps.ts';
import { findStored, type Place } from '../resources/reading/find.ts';
import { eventsBy } from '../resources/writing/write-events.ts';
import { writeResource } from '../resources/writing/write-resource.ts';

/** Keys that exist in clear nowhere else. */
export interface FirstKeys {
  readonly api_key: string;
  readonly admin_key: string;
}

const CUSTOMER = 'demo';

const DEMO: Columns = {
  slug: CUSTOMER,
  name: 'Demo customer',
  // Enough for a trial, and small enough to show a limit.
  cost_budget_monthly: '100',
  markup_basis_points: 2_000,
};

/** Creates a demo customer, unless there is one, with a key for calls, and a key of an administrator. */
export const createFirstKeys = async (deps: EngineDeps): Promise<FirstKeys> => {
  const demo = { id: { slug: CUSTOMER }, parent: null, confined_to: null };
  if ((await findStored(deps, resolveResource(deps.registry, customers), demo)) === null) {
    await create(deps, customers, DEMO);
  }
  const api = await create(deps, apiKeys, { name: 'demo', customer: CUSTOMER });
  const admin = await create(deps, apiKeys, { name: 'administrator', scopes: [ADMIN_SCOPE] });
  return { api_key: String(api.key), admin_key: String(admin.key) };
};

const NOWHERE: Place = { id: {}, parent: null, confined_to: null };
const ACTOR = { actor_kind: 'system', actor: 'first start' } as const;

/** @returns the fields that only this response shows */
const create = async (deps: EngineDeps, resource: Resource, input: Columns): Promise<Columns> => {
  const { reveals } = await writeResource(deps, resolveResource(deps.registry, resource), {
    operation: 'create',
    place: NOWHERE,
    input,
    actor: ACTOR.actor,
    events: eventsBy((reported) => ({
      ...ACTOR,
      action: `${resource.kind}.create`,
      subject_kind: resource.kind,
      outcome: 'succeeded',
      ...reported,
    })),
  });
  return reveals;
};
