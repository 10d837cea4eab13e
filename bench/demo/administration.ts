import type { RunningProduct } from '../support/product.ts';

export interface CustomerKey {
  readonly id: string;
  readonly key: string;
}

/** The administrator's requests over HTTP. */
export interface Administration {
  createCustomer(input: Readonly<Record<string, unknown>>): Promise<void>;
  createKey(input: Readonly<Record<string, unknown>>): Promise<CustomerKey>;
  revokeKey(id: string): Promise<void>;
}

export const createAdministration = ({ url, admin_key }: RunningProduct): Administration => {
  const send = async (method: string, path: string, input?: object): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${admin_key}`, 'content-type': 'application/json' },
      ...(input === undefined ? {} : { body: JSON.stringify(input) }),
    });
    if (!response.ok)
      throw new Error(`${method} ${path} was answered with ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    createCustomer: async (input) => void (await send('POST', '/customers', input)),
    createKey: async (input) => (await send('POST', '/api-keys', input)) as CustomerKey,
    revokeKey: async (id) => void (await send('DELETE', `/api-keys/${id}`)),
  };
};

/** Customers and API keys of every kind. Each key is named after the behaviour that its calls show. */
export interface Cast {
  /** Makes most of the calls. */
  readonly acme: string;
  /** A clinic, whose prompts contain health data. */
  readonly clinic: string;
  /** Its budget is exhausted after a few calls. */
  readonly startup: string;
  /** Limited and revoked keys of acme. */
  readonly limited: string;
  readonly revoked: string;
  readonly expired: string;
}

export const createCast = async (administration: Administration): Promise<Cast> => {
  const { createCustomer, createKey, revokeKey } = administration;
  await createCustomer({
    slug: 'acme',
    name: 'Acme Inc.',
    cost_budget_monthly: '250.00',
    markup_basis_points: 1_500,
  });
  await createCustomer({
    slug: 'clinic',
    name: 'St. Mary Clinic',
    compliance_level: 'HIPAA',
    markup_basis_points: 2_250,
  });
  await createCustomer({
    slug: 'startup',
    name: 'Startup Ltd.',
    cost_budget_monthly: '0.05',
    markup_basis_points: 1_000,
  });
  const acme = await createKey({ customer: 'acme', name: 'production' });
  const clinic = await createKey({ customer: 'clinic', name: 'records' });
  const startup = await createKey({ customer: 'startup', name: 'prototype' });
  const limited = await createKey({
    customer: 'acme',
    name: 'five a minute',
    rate_limit_requests_per_minute: 5,
  });
  const expired = await createKey({ customer: 'acme', name: 'old', expires_at: '2026-01-01T00:00:00Z' });
  const revoked = await createKey({ customer: 'acme', name: 'leaked' });
  await revokeKey(revoked.id);
  return {
    acme: acme.key,
    clinic: clinic.key,
    startup: startup.key,
    limited: limited.key,
    expired: expired.key,
    revoked: revoked.key,
  };
};
