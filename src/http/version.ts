import type { Context } from 'koa';
import { OneVaultError } from '../core/errors.ts';

/** The version of the contract, as answers name it. Within a major version there are only additions. */
export const API_VERSION = '1.0.0';
/** The major versions that can be chosen. */
const MAJOR_VERSIONS = ['1'];

const JSON_TYPE = 'application/json';
export const PROBLEM_TYPE = 'application/problem+json';
const VENDOR_TYPE = /^application\/vnd\.onevault\.v(\d+)\+json$/i;
/** JSON of a version that the client chose by its name. */
export const VERSIONED_JSON_TYPES = MAJOR_VERSIONS.map((version) => `application/vnd.onevault.v${version}+json`);

/**
 * The media type to answer in, as `Accept` and `?version=` choose among those that a route has.
 * @param produces what the route answers in; `application/json` stands for its versioned names too
 * @throws OneVaultError invalid_request for an unknown `?version=`, not_acceptable for an `Accept` that nothing fits
 */
export const negotiate = (ctx: Context, produces: readonly string[]): string => {
  refuseVersion(ctx.query.version);
  const offered = produces.flatMap((type) => (type === JSON_TYPE ? [JSON_TYPE, ...VERSIONED_JSON_TYPES] : [type]));
  // Who asks for errors as problems asks for nothing else, and gets what there is.
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
    details: `It answers in: ${offered.join(', ')}.`,
    ...(is_version ? { reason: 'unknown_version' } : {}),
    context: { versions: MAJOR_VERSIONS, types: offered },
    faults: [{ path: 'header.accept', code: 'not_acceptable', message: 'Accept names no form that there is.' }],
  });
};
