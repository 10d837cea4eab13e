import { OneVaultError } from '../../core/errors.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { etagOf } from '../reading/etag.ts';
import { readHistory } from '../reading/history.ts';
import { present } from '../reading/present.ts';
import type { Stored } from '../reading/stored.ts';

/** The error for a change without the version that it applies to. */
export const missingVersion = (): OneVaultError =>
  new OneVaultError('precondition_required', {
    faults: [{ path: 'header.if-match', code: 'required', message: 'If-Match is missing.' }],
  });

const ALL_FIELDS = { sees_personal: false, only: null };

/**
 * The error for a change of a version that is no longer the current one. It names the fields that differ, if the
 * version that the client has is in the history.
 */
export const versionConflict = async <Deps extends EngineDeps>(
  deps: Pick<EngineDeps, 'sql' | 'reader'>,
  model: ResourceModel<Deps>,
  current: Stored,
  if_match: string,
): Promise<OneVaultError> => {
  const history = await readHistory(deps, model, current);
  const known = history.find(({ etag }) => if_match.split(',').some((each) => each.trim() === etag));
  const now = present(model, current, ALL_FIELDS);
  const then = known === undefined ? null : present(model, { ...current, state: known.state }, ALL_FIELDS);
  const differing =
    then === null ? null : Object.keys(now).filter((name) => JSON.stringify(now[name]) !== JSON.stringify(then[name]));
  return new OneVaultError('version_conflict', {
    ...(differing === null ? {} : { details: `These fields differ: ${differing.join(', ')}.` }),
    context: { current_etag: etagOf(current.versions, current.references), differing_fields: differing },
    faults: [{ path: 'header.if-match', code: 'version_conflict', message: 'If-Match names another version.' }],
  });
};
