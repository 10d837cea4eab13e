import { isIPv6, SocketAddress } from 'node:net';
import { invalidField } from '../../http/faults.ts';
import { SCOPES } from '../../resources/access/permissions.ts';
import type { Codec } from '../../resources/declaration/codecs.ts';
import type { Draft, Resource } from '../../resources/declaration/resource.ts';
import { makeSecret } from './secret.ts';

/** Addresses in the form of Node's connections (RFC 5952), so that both can be compared as text. */
const ADDRESSES: Codec = {
  schema: {
    type: 'array',
    maxItems: 100,
    items: {
      anyOf: [
        { type: 'string', format: 'ipv4' },
        { type: 'string', format: 'ipv6' },
      ],
    },
  },
  shown: { type: 'array', items: { type: 'string' } },
  toColumn: (addresses) =>
    (addresses as string[]).map(
      (address) => new SocketAddress({ address, family: isIPv6(address) ? 'ipv6' : 'ipv4' }).address,
    ),
  fromColumn: (addresses) => addresses,
};

/** API keys. Only the response to its creation contains a key; the vault has its SHA-256. */
export const apiKeys: Resource = {
  kind: 'api_key',
  summary: 'A key for calls, for auditors or for administrators.',
  path: '/api-keys',
  is_bare_on_aliases: true,
  entity: 'api_key_h',
  id: 'uuid',
  scope: 'customer',
  satellites: ['api_key_s'],
  references: {
    customer: {
      hub: 'customer_h',
      link: 'api_key_customer_l',
      is_nullable: true,
      description: 'Customer of the key for calls; null for keys of administrators and auditors.',
    },
  },
  fields: {
    name: { column: 'key_name', write: 'always', narrow: { minLength: 1 }, is_free_text: true },
    key_prefix: 'never',
    scopes: { write: 'create', default: ['calls'], narrow: { minItems: 1, maxItems: 1, items: { enum: SCOPES } } },
    status: { column: 'key_status', write: 'never', default: 'ACTIVE' },
    allowed_ips: { write: 'always', codec: ADDRESSES },
    expires_at: 'always',
    rate_limit_requests_per_minute: 'always',
    created_at: { fact: 'created_at' },
  },
  reveals: { key: { type: 'string', description: 'The key. Only this response shows it.' } },
  filters: ['customer', 'status', 'scopes', 'expires_at', 'created_at'],
  sorts: ['created_at', 'name', 'expires_at'],
  names: { delete: { action: 'api_key.revoke' } },
  end: { columns: { key_status: 'REVOKED' }, is_final: true },
  requires_if_match: true,
  hooks: {
    validate: (_deps, draft) => {
      if (draft.operation === 'create') refuseOwner(draft);
    },
    before_write: (_deps, { operation, columns, reveals }) => {
      if (operation !== 'create') return;
      const { secret, key_sha256, key_prefix } = makeSecret();
      Object.assign(columns, { key_sha256, key_prefix });
      reveals.key = secret;
    },
  },
};

/** A key for calls belongs to a customer; keys of administrators and auditors do not. */
const refuseOwner = ({ columns, references }: Draft): void => {
  const [scope] = columns.scopes as string[];
  if (scope === 'calls' && references.customer === null) {
    throw invalidField('customer', 'required', 'A key for calls belongs to a customer.');
  }
  if (scope !== 'calls' && references.customer !== null) {
    const rule = `A key of the scope ${scope} belongs to no customer: leave customer out.`;
    throw invalidField('scopes', 'not_allowed', rule);
  }
};
