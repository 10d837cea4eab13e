import type { Clock } from '../core/clock.ts';
import { OneVaultError } from '../core/errors.ts';
import type { Upstream, UpstreamHeaders } from './contract.ts';
import { isObject } from './json.ts';

interface Refusal {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** The provider's own message; '' if it is missing. */
  readonly message: string;
  /** Name of the fault that the provider's own SDKs act on. */
  readonly protocol_code?: string | null;
}

// Enough for a message of any provider; a page of HTML is not a message.
const MESSAGE_MAX_CHARS = 1_000;
// The search for keys and hosts reads twice as much; its time grows with the square of the length.
const READ_MAX_CHARS = 2_000;

// Statuses about our account at the provider, which the client cannot correct.
const ACCOUNT_STATUSES: ReadonlySet<number> = new Set([401, 402, 403, 407]);

/** The client's error for a provider's refusal; see `ProviderAdapter.error` for the rules. */
export const refusalError = (refusal: Refusal, upstream: Upstream | null, clock: Clock): OneVaultError => {
  const { status, headers } = refusal;
  const message = redact(startOf(refusal.message), upstream).slice(0, MESSAGE_MAX_CHARS);
  const details = `The provider answered ${status}${message === '' ? '.' : `: ${message}`}`;
  const retry_after_s = retryAfter(headers, clock);
  const wait = retry_after_s === null ? {} : { retry_after_s };
  if (status === 429) return new OneVaultError('provider_rate_limited', { details, ...wait });
  if (status === 408 || status === 504) return new OneVaultError('provider_timeout', { details, ...wait });
  if (status >= 400 && status < 500 && !ACCOUNT_STATUSES.has(status)) {
    const { protocol_code = null } = refusal;
    const code = protocol_code === null ? {} : { protocol_code };
    return new OneVaultError('provider_rejected', { details, status, ...wait, ...code });
  }
  return new OneVaultError('provider_error', { details, ...wait });
};

/**
 * The message in the body of an error; '' if it has no message: `error.message` of OpenAI and Anthropic; of compatible
 * servers also `error`, `message`, `detail`, `message.detail`, and `detail` as FastAPI's list of faults.
 */
export const messageOf = (body: string): string => {
  const json = jsonOf(body);
  if (!isObject(json)) return '';
  const { error, message, detail } = json;
  const values = [isObject(error) ? error.message : error, message, detail];
  for (const each of values) {
    const sentence = sentenceOf(isObject(each) ? (each.detail ?? each.message) : each);
    if (sentence !== '') return sentence;
  }
  return '';
};

// Words only, so that it cannot contain a key or a host.
const ERROR_CODE = /^[a-z]+(?:_[a-z]+){0,8}$/;

/** Anthropic's `error.details.error_code`; null if it is missing. */
export const errorCodeOf = (body: string): string | null => {
  const error = fieldOf(jsonOf(body), 'error');
  const code = fieldOf(fieldOf(error, 'details'), 'error_code');
  return typeof code === 'string' && ERROR_CODE.test(code) ? code : null;
};

const fieldOf = (json: unknown, field: string): unknown => (isObject(json) ? json[field] : undefined);

const jsonOf = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const sentenceOf = (values: unknown): string => {
  if (typeof values === 'string') return values;
  if (!Array.isArray(values)) return '';
  const faults = values.filter(isObject).filter(({ msg }) => typeof msg === 'string');
  return faults.map(({ loc, msg }) => (Array.isArray(loc) ? `${loc.join('.')}: ${msg}` : msg)).join('; ');
};

const URL_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)\]]+/gi;
const KEY_TEXT = /\b(?:sk|pk|rk|key|org|proj)[-_](?=[\w*.-]*[\d*])[\w*.-]{4,}|\bBearer\s+\S+|\bAIza[\w*-]{8,}/gi;
const ADDRESS_TEXT = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[?\b(?:[0-9a-f]{1,4}:){3,}[0-9a-f:.]+\]?/gi;
const INTERNAL_HOST_TEXT =
  /\b(?:[a-z0-9-]+\.)+(?:internal|local|lan|corp|svc|cluster)\b(?::\d+)?|\blocalhost(?::\d+)?/gi;

const WORD_END = /[\s"'<>)\]]/;

/** The start of a text that is searched. It is cut between words, because half a key may not look like a key. */
const startOf = (text: string): string => {
  if (text.length <= READ_MAX_CHARS) return text;
  let end = READ_MAX_CHARS;
  while (end > 0 && !WORD_END.test(text.charAt(end))) end -= 1;
  return text.slice(0, end);
};

/** `text` without keys, addresses and hosts: those of the upstream, and all text that looks like one. */
const redact = (text: string, upstream: Upstream | null): string => {
  let clean = text;
  if (upstream !== null) {
    if (upstream.api_key !== '') clean = clean.replaceAll(upstream.api_key, '[key]');
    clean = clean.replace(URL_TEXT, '[url]');
    const host = URL.canParse(upstream.base_url) ? new URL(upstream.base_url).host : '';
    if (host !== '') clean = clean.replaceAll(host, '[host]');
  }
  return clean
    .replace(URL_TEXT, '[url]')
    .replace(KEY_TEXT, '[key]')
    .replace(INTERNAL_HOST_TEXT, '[host]')
    .replace(ADDRESS_TEXT, '[host]');
};

/** Seconds to wait, from `retry-after-ms` or `retry-after` (RFC 9110, section 10.2.3: seconds or a date). */
const retryAfter = (headers: UpstreamHeaders, clock: Clock): number | null => {
  const wait_ms = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(wait_ms) && wait_ms >= 0) return Math.ceil(wait_ms / 1_000);
  const value = headers['retry-after'];
  if (typeof value !== 'string' || value === '') return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds) : null;
  const date_ms = Date.parse(value);
  return Number.isNaN(date_ms) ? null : Math.max(0, Math.ceil((date_ms - clock.now()) / 1_000));
};
