import { instantOf } from '../core/clock.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { Outcome, Pagination } from './outcome.ts';
import { API_VERSION } from './version.ts';

/** Body of an error of the gateway: a superset of the fields that clients of OpenAI's protocol and of our own API read. */
export interface ErrorEnvelope {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** A text, or fields for programs. */
    readonly details: string | Readonly<Record<string, unknown>> | null;
    readonly status: number;
    readonly request_id: string;
    readonly timestamp: string;
    readonly type: string;
    readonly param: string | null;
  };
}

/** `message` carries the details too, because SDKs show nothing else. */
export const errorEnvelope = (error: OneVaultError, request_id: string, now_ms: number): ErrorEnvelope => ({
  error: {
    code: error.code,
    message: wholeMessage(error),
    details: Object.keys(error.context).length === 0 ? error.details : error.context,
    status: error.status,
    request_id,
    timestamp: instantOf(now_ms),
    type: error.type,
    param: error.param,
  },
});

/** The message of an error with its details. */
export const wholeMessage = ({ message, details }: OneVaultError): string =>
  details === null ? message : `${message} ${details}`;

/** Path and query of a request. */
export interface Location {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The body of a JSON response of the control plane. @param is_bare omits the envelope of a single resource */
export const envelopeOf = (
  outcome: Exclude<Outcome, { readonly kind: 'raw' }>,
  at: Location,
  now_ms: number,
  is_bare: boolean,
): unknown => {
  if (outcome.kind === 'single' && is_bare) return outcome.data;
  const pagination = outcome.kind === 'list' ? { pagination: outcome.pagination } : {};
  const meta = { version: API_VERSION, timestamp: microInstantOf(now_ms), ...pagination, ...outcome.meta };
  if (outcome.kind === 'single') return { data: outcome.data, meta };
  return { data: outcome.data, meta, links: linksOf(outcome.pagination, at) };
};

// Instants of the API have six decimals.
const microInstantOf = (now_ms: number): string => `${instantOf(now_ms).slice(0, -1)}000Z`;

const linksOf = (pagination: Pagination, at: Location): Readonly<Record<string, string | null>> => {
  const self = linkTo(at, {});
  if (!('pages' in pagination)) {
    const { next_cursor } = pagination;
    const next = next_cursor === null ? null : linkTo(at, { cursor: next_cursor });
    return { self, next, prev: null, first: linkTo(at, { cursor: null }), last: null };
  }
  const { page, pages, per_page } = pagination;
  const to = (wanted: number): string => linkTo(at, { page: String(wanted), per_page: String(per_page) });
  return {
    self,
    next: page < pages ? to(page + 1) : null,
    prev: page > 1 && pages > 0 ? to(Math.min(page - 1, pages)) : null,
    first: to(1),
    last: to(Math.max(pages, 1)),
  };
};

// In links the new names replace the deprecated ones.
const REPLACED: Readonly<Record<string, readonly string[]>> = {
  cursor: ['after'],
  per_page: ['limit'],
  page: ['cursor', 'after'],
};

/** A reference relative to the host (RFC 3986, section 4.2), because the host's name is unknown behind a proxy. */
const linkTo = ({ path, query }: Location, changes: Readonly<Record<string, string | null>>): string => {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    for (const old of REPLACED[name] ?? []) next.delete(old);
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text === '' ? path : `${path}?${text}`;
};
