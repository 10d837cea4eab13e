import { invalidField } from '../../http/faults.ts';

// Words beside an id in a path, present or planned, the first segments of root aliases and pages, and names of
// Anthropic's Admin API below organizations.
const RESERVED: ReadonlySet<string> = new Set([
  ...['batch', 'runs', 'history', 'simulate', 'evaluate', 'evaluations', 'signup', 'me', 'unknown'],
  ...['models', 'deployments', 'pricing', 'benchmarks', 'recommendations'],
  ...['usage', 'traffic', 'errors', 'analytics', 'credits', 'services', 'customers', 'organizations'],
  ...['api-keys', 'requests', 'privacy', 'vault', 'endpoints', 'api', 'providers', 'docs', 'redoc', 'dashboard'],
  ...['console', 'compliance', 'account', 'provider', 'playground', 'catalog', 'verify', 'login'],
  ...['users', 'invites', 'workspaces'],
]);
const VERSION = /^v\d+$/;

export const isReservedName = (name: string): boolean => RESERVED.has(name) || VERSION.test(name);

/** @throws OneVaultError validation_error with reason reserved_name */
export const refuseReservedName = (field: string, name: string): void => {
  if (!isReservedName(name)) return;
  throw invalidField(field, 'reserved_name', `${name} is a word of the API: choose another ${field}.`);
};
