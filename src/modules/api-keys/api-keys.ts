import { isIPv6, SocketAddress } from 'node:net';
import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { invalidField } from '../../http/faults.ts';
import type { Scope } from '../../resources/access/permissions.ts';
import { refuseEmail } from '../../resources/writing/refuse-email.ts';
import { lockName, save, stampAfter } from '../../resources/writing/save.ts';
import type { Content, Stamp, VaultRow } from '../../vault/rows.ts';
import { type ContextHandler, pageOf } from '../context-handler.ts';
import type { ControlDeps } from '../deps.ts';
import { makeSecret } from './secret.ts';

interface NewApiKey {
  readonly customer?: string | null;
  readonly name: string;
  readonly scopes?: readonly [Scope];
  readonly expires_at?: string | null;
  readonly allowed_ips?: string[] | null;
  readonly rate_limit_requests_per_minute?: number | null;
}

type ApiKeyDetails = Content<'api_key_s'>;

interface ApiKeyRow extends ApiKeyDetails {
  readonly id: string;
  readonly customer: string | null;
  readonly created_at: string;
}

/** `POST /api-keys`. The key itself is in this answer and nowhere else: the vault keeps its SHA-256. */
export const createApiKey = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const input = ctx.state.body as NewApiKey;
    refuseEmail('name', input.name);
    const [scope] = input.scopes ?? ['calls'];
    const customer = customerOf(deps, scope, input.customer ?? null);
    draft.shows([customer]);
    const id = deps.nextId();
    draft.about(id);
    const { secret, key_sha256, key_prefix } = makeSecret();
    const api_key_hk = deps.rows.hubKey('api_key_h', { api_key_bk: id });
    const details: ApiKeyDetails = {
      key_sha256,
      key_prefix,
      key_name: input.name,
      scopes: [scope],
      allowed_ips: input.allowed_ips?.map(canonicalAddress) ?? null,
      expires_at: input.expires_at == null ? null : expiryOf(input.expires_at),
      key_status: 'ACTIVE',
      rate_limit_requests_per_minute: input.rate_limit_requests_per_minute ?? null,
    };
    await save(deps, (stamp) => ({
      rows: [
        deps.rows.hub('api_key_h', { api_key_bk: id }, stamp),
        deps.rows.satellite('api_key_s', api_key_hk, details, stamp),
        ...(customer === null ? [] : [linkRow(deps, api_key_hk, customer, stamp)]),
      ],
      events: [draft.change(null, { customer, ...tellableKey(details) })],
    }));
    ctx.status = 201;
    ctx.body = { ...present(await findApiKey(deps, id)), key: secret };
  };
};

/** A key for calls belongs to a customer, one for administrators or auditors to none. */
const customerOf = ({ snapshot }: ControlDeps, scope: Scope, customer: string | null): string | null => {
  if (scope !== 'calls') {
    if (customer === null) return null;
    throw invalidField(
      'scopes',
      'not_allowed',
      `A key of the scope ${scope} belongs to no customer: leave customer out.`,
    );
  }
  if (customer !== null && snapshot().customers.has(customer)) return customer;
  const details = customer === null ? 'A key for calls belongs to a customer.' : `There is no customer ${customer}.`;
  throw invalidField('customer', customer === null ? 'required' : 'unknown_reference', details);
};

const linkRow = ({ rows }: ControlDeps, api_key_hk: string, customer_bk: string, stamp: Stamp): VaultRow =>
  rows.link('api_key_customer_l', { api_key_hk, customer_hk: rows.hubKey('customer_h', { customer_bk }) }, stamp);

/** What an event may tell of a key: not its hash, and not its name, in which a person's may stand. */
export const tellableKey = ({ key_sha256: _hash, key_name: _name, ...rest }: ApiKeyDetails) => rest;

/** As Node writes the address of a connection (RFC 5952), so that the two can be compared as text. */
const canonicalAddress = (address: string): string =>
  new SocketAddress({ address, family: isIPv6(address) ? 'ipv6' : 'ipv4' }).address;

// Beyond the year 9999, ISO 8601 takes another form.
const LATEST_EXPIRY_MS = Date.UTC(9999, 11, 31);

const expiryOf = (date_time: string): string => {
  const expires_at_ms = Date.parse(date_time);
  if (expires_at_ms >= 0 && expires_at_ms < LATEST_EXPIRY_MS) return instantOf(expires_at_ms);
  throw invalidField('expires_at', 'format', 'expires_at is an instant from 1970 to 9999, as 2027-01-31T00:00:00Z.');
};

/** `DELETE /api-keys/{id}`: revokes. Revoking again changes nothing. */
export const revokeApiKey =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const id = ctx.params.id as string;
    draft.about(id);
    const { customer } = await findApiKey(deps, id);
    draft.shows([customer]);
    const api_key_hk = deps.rows.hubKey('api_key_h', { api_key_bk: id });
    await save(deps, async (stamp, tx) => {
      await lockName(tx, `api-key/${id}`);
      const [current] = await deps.reader.current(tx, 'api_key_s', { hash_keys: [api_key_hk] });
      if (current === undefined || current.key_status === 'REVOKED') return null;
      const details: ApiKeyDetails = { ...detailsOf(current), key_status: 'REVOKED' };
      return {
        rows: [deps.rows.satellite('api_key_s', api_key_hk, details, stampAfter(stamp, current))],
        events: [draft.change(tellableKey(detailsOf(current)), tellableKey(details))],
      };
    });
    ctx.body = present(await findApiKey(deps, id));
  };

/** `GET /api-keys/{id}`. */
export const getApiKey =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const id = ctx.params.id as string;
    draft.about(id);
    const row = await findApiKey(deps, id);
    draft.shows([row.customer]);
    ctx.body = present(row);
  };

/** `GET /api-keys?customer=&limit=&after=`, by id, which is by age. */
export const listApiKeys =
  ({ sql }: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const { limit, after } = pageOf(ctx);
    const customer = (ctx.query.customer as string | undefined) ?? null;
    const rows = await sql<ApiKeyRow[]>`
      ${selectApiKey(sql)}
      where h.api_key_bk > ${after}
        and h.api_key_bk <> 'unknown'
        and ${customer === null ? sql`true` : sql`c.customer_bk = ${customer}`}
      order by h.api_key_bk
      limit ${limit}`;
    draft.shows(rows.map((row) => row.customer));
    ctx.body = { data: rows.map(present), next: rows.length === limit ? rows.at(-1)!.id : null };
  };

const findApiKey = async ({ sql }: ControlDeps, id: string): Promise<ApiKeyRow> => {
  const [row] = isUuid(id) ? await sql<ApiKeyRow[]>`${selectApiKey(sql)} where h.api_key_bk = ${id}` : [];
  if (row === undefined) throw new OneVaultError('not_found', { details: `There is no API key ${id}.` });
  return row;
};

const selectApiKey = (sql: ControlDeps['sql']) => sql`
  select h.api_key_bk as id, c.customer_bk as customer, h.load_date as created_at, s.*
  from auth.api_key_s_current s
  join auth.api_key_h h using (api_key_hk)
  left join auth.api_key_customer_l l using (api_key_hk)
  left join gateway.customer_h c using (customer_hk)`;

const detailsOf = (row: ApiKeyDetails): ApiKeyDetails => ({
  key_sha256: row.key_sha256,
  key_prefix: row.key_prefix,
  key_name: row.key_name,
  scopes: row.scopes,
  allowed_ips: row.allowed_ips,
  expires_at: row.expires_at,
  key_status: row.key_status,
  rate_limit_requests_per_minute: row.rate_limit_requests_per_minute,
});

const present = (row: ApiKeyRow) => ({
  id: row.id,
  customer: row.customer,
  name: row.key_name,
  key_prefix: row.key_prefix,
  scopes: row.scopes,
  status: row.key_status,
  allowed_ips: row.allowed_ips,
  expires_at: row.expires_at,
  rate_limit_requests_per_minute: row.rate_limit_requests_per_minute,
  created_at: row.created_at,
});
