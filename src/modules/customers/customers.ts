import { USD } from '../../resources/declaration/codecs.ts';
import type { Resource } from '../../resources/declaration/resource.ts';
import { checkWebhookUrl } from './check-webhook-url.ts';

/** Customers, with the terms of their calls. */
export const customers: Resource = {
  kind: 'customer',
  summary: 'A customer: an organization that sends calls, with its limits and terms.',
  path: '/customers',
  aliases: ['/customers', '/organizations', '/v1/organizations'],
  entity: 'customer_h',
  id: 'slug',
  scope: 'slug',
  satellites: ['customer_config_s', 'customer_replay_s'],
  references: {
    tenant: {
      hub: 'tenant_h',
      link: 'customer_tenant_l',
      effectivity: 'customer_tenant_effectivity_s',
      default: 'demo',
      description: 'Tenant that the customer belongs to.',
    },
  },
  fields: {
    name: { column: 'customer_name', write: 'always', default: null, narrow: { minLength: 1 }, is_free_text: true },
    status: {
      column: 'customer_status',
      write: 'patch',
      default: 'ACTIVE',
      narrow: { enum: ['ACTIVE', 'SUSPENDED'] },
    },
    cost_budget_monthly: { write: 'always', codec: USD },
    cost_budget_daily: { write: 'always', codec: USD },
    rate_limit_requests_per_minute: 'always',
    priority_tier: { write: 'always', default: 'STANDARD' },
    compliance_level: { write: 'always', narrow: { minLength: 1 } },
    preferred_providers: {
      write: 'always',
      narrow: { maxItems: 100, items: { type: 'string', pattern: '^[a-z0-9-]{1,100}$' } },
    },
    webhook_url: { write: 'always', narrow: { pattern: '^https?://[^\\s\\p{Cc}\\p{Cs}]+$' }, is_logged: false },
    markup_basis_points: { write: 'always', default: 0 },
    unpriced_policy: { write: 'always', default: 'refuse' },
    replay_window_s: 'always',
    created_at: { fact: 'created_at' },
  },
  filters: ['slug', 'status', 'tenant', 'priority_tier', 'compliance_level', 'preferred_providers', 'created_at'],
  sorts: ['slug', 'name', 'created_at'],
  // The audit log has used this word since its first entry.
  names: { update: { action: 'customer.change' }, replace: { action: 'customer.change' } },
  end: { columns: { customer_status: 'CLOSED' }, is_final: true },
  requires_if_match: true,
  hooks: {
    validate: (_deps, { id, columns, input }) => {
      columns.customer_name ??= id.slug;
      if (typeof input.webhook_url === 'string') checkWebhookUrl(input.webhook_url);
    },
  },
};
