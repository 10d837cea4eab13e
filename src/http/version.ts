import type { Context } from 'koa';
import { OneVaultError } from '../core/errors.ts';

/** Version of the API in responses. Within a major version there are only additions. */
export const API_VERSION = '1.0.0';
/** Selectable major versions. */
const MAJOR_VERSIONS = ['1'];

const JSON_TYPE = 'application/json';
export const PROBLEM_TYPE = 'application/problem+json';
const VENDOR_TYPE = /^application\/vnd\.onevault\.v(\d+)\+json$/i;
/** Media types of JSON with a selected version. */
export const VERSIONED_JSON_TYPES = MAJOR_VERSIONS.map((version) => `application/vnd.onevault.v${version}+json`);

/**
 * The media type of the response, selected by `Accept` and `?version=` from those of the route.
 * @param produces media types of the route; `application/json` includes its versioned names
 * @throws OneVaultError invalid_request for an unknown `?version=`, not_acceptable if `Accept` matches none
 */
export const negotiate = (ctx: Context, produces: readonly string[]): string => {
  refuseVersion(ctx.query.version);
  const offered = produces.flatMap((type) => (type === JSON_TYPE ? [JSON_TYPE, ...VERSIONED_JSON_TYPES] : [type]));
  // A client that accepts only problems gets successful responses in the default type.
  const accepted = ctx.accepts(...offered, PROBLEM_TYPE);
  if (typeof accepted !== 'string') throw notAcceptable(ctx, offered);
  return accepted === PROBLEM_TYPE ? offered[0]! : accepted;
};

const refuseVersion = (version: string | string[] | undefined): void => {
  if (version === undefined || (typeof version === 'string' && MAJOR_VERSIONS.includes(version))) return;
  const message = `version is one of: ${MAJOR_VERSIONS.join(', ')}.`;
  throw new OneVaultError('invalid_request', {
    param: 'version',
    details: message,
    reason: 'unknown_version',
    context: { versions: MAJOR_VERSIONS },
    faults: [{ path: 'query.version', code: 'unknown_version', message }],
  });
};

const notAcceptable = (ctx: Context, offered: readonly string[]): OneVaultError => {
  const accepts = ctx.get('accept');
  const is_version = accepts.split(',').some((each) => VENDOR_TYPE.test(each.split(';')[0]!.trim()));
  return new OneVaultError('not_acceptable', {
    details: `The available types are: ${offered.join(', ')}.`,
    ...(is_version ? { reason: 'unknown_version' } : {}),
    context: { versions: MAJOR_VERSIONS, types: offered },
    faults: [{ path: 'header.accept', code: 'not_acceptable', message: 'Accept names no form that there is.' }],
  });
};
