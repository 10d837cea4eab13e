import type { Clock } from '../../core/clock.ts';
import type { OneVaultError } from '../../core/errors.ts';
import type { Upstream, UpstreamHeaders } from '../contract.ts';
import { isObject } from '../json.ts';
import { refusalError } from '../response-error.ts';

interface Refused {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** google.rpc.Status, or the value in its place. */
  readonly error: unknown;
}

/**
 * The client's error for a google.rpc.Status (https://cloud.google.com/apis/design/errors). Google responds 400 to an
 * unknown key, but the key is ours, so the client cannot correct the fault.
 */
export const errorOfStatus = (
  { status, headers, error }: Refused,
  upstream: Upstream | null,
  clock: Clock,
): OneVaultError => {
  const { message, details } = isObject(error) ? error : {};
  const listed = Array.isArray(details) ? (details as unknown[]).filter(isObject) : [];
  const is_our_key = listed.some(({ reason }) => reason === 'API_KEY_INVALID');
  const delay = listed.find(({ retryDelay }) => typeof retryDelay === 'string')?.retryDelay;
  const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(String(delay)) ?? [];
  return refusalError(
    {
      status: is_our_key ? 401 : status,
      headers: seconds === undefined ? headers : { 'retry-after': seconds, ...headers },
      message: typeof message === 'string' ? message : '',
    },
    upstream,
    clock,
  );
};

/** The client's error for an error within a stream. */
export const errorOfFrame = (error: unknown, clock: Clock): OneVaultError => {
  const code = isObject(error) ? Number(error.code) : Number.NaN;
  const status = Number.isInteger(code) && code >= 400 && code < 600 ? code : 500;
  return errorOfStatus({ status, headers: {}, error }, null, clock);
};

/** The `error` of an error body. Some of Google's servers put it into a list. */
export const errorIn = (body: string): unknown => {
  try {
    const json: unknown = JSON.parse(body);
    const [first] = Array.isArray(json) ? (json as unknown[]) : [json];
    return isObject(first) ? first.error : undefined;
  } catch {
    return undefined;
  }
};
