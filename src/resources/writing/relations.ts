import { OneVaultError } from '../../core/errors.ts';
import { invalidBody, invalidField } from '../../http/faults.ts';
import type { ResourceModel } from '../declaration/model.ts';
import { refuseReservedName } from '../declaration/reserved-names.ts';
import type { Id, Related } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { findHubKey, notFound, type Place } from '../reading/find.ts';
import { isRequired } from './merge-input.ts';
import type { WriteRequest } from './write-request.ts';

export const idOf = <Deps extends EngineDeps>({ id }: ResourceModel<Deps>, value: string): Id => ({
  [id[0]!.name]: value,
});

/** A new id, the name in the body, or the place in the path. */
export const placeOf = <Deps extends EngineDeps>(
  deps: Deps,
  model: ResourceModel<Deps>,
  { operation, place, input }: WriteRequest,
): Place => {
  if (operation !== 'create') return place;
  if (model.resource.id === 'uuid') return { ...place, id: idOf(model, deps.nextId()) };
  if (model.resource.id === 'slug') refuseReservedName('slug', String(input.slug));
  return { ...place, id: Object.fromEntries(model.id.map(({ name }) => [name, String(input[name])])) };
};

/** Refuses names in the path that a new resource cannot have. @throws OneVaultError validation_error */
export const refuseBadNames = <Deps extends EngineDeps>(
  { resource, findIdFaults }: ResourceModel<Deps>,
  { id }: Place,
): void => {
  const faults = findIdFaults(id);
  if (faults.length > 0) throw invalidBody(faults);
  if (resource.id === 'slug') refuseReservedName('slug', id.slug!);
};

/** PUT creates resources with a chosen name; only the product creates generated ids. */
export const isCreating = <Deps extends EngineDeps>(
  { resource, fields }: ResourceModel<Deps>,
  { operation }: WriteRequest,
): boolean =>
  operation === 'create' ||
  (operation === 'replace' &&
    resource.id !== 'uuid' &&
    !fields.some((field) => field.options.write === 'create' && isRequired(field)));

export const customerOf = <Deps extends EngineDeps>({ resource }: ResourceModel<Deps>, id: Id, references: Related) =>
  resource.scope === undefined ? null : (references[resource.scope] ?? id[resource.scope] ?? null);

/** The relations of a new resource: the path's parent, parts of the id, fields of the body. */
export const relatedOf = <Deps extends EngineDeps>(
  { references, resource }: ResourceModel<Deps>,
  { input }: WriteRequest,
  place: Place,
): Related =>
  Object.fromEntries(
    references.map((reference) => {
      const { name } = reference;
      const is_parent = resource.parent?.reference === name;
      const given = (is_parent ? place.parent : (place.id[name] ?? input[name])) ?? reference.default ?? null;
      return [name, given === null ? null : String(given)];
    }),
  );

/** Refuses relations to unknown resources. @throws OneVaultError not_found in a path, validation_error in a body */
export const refuseUnknown = async <Deps extends EngineDeps>(
  { sql }: Deps,
  model: ResourceModel<Deps>,
  { operation }: WriteRequest,
  { place, references }: { readonly place: Place; readonly references: Related },
): Promise<void> => {
  for (const reference of model.references) {
    const { name, is_created, is_nullable, is_missing_404 } = reference;
    const given = references[name]!;
    if (given === null && is_nullable === true) continue;
    if (is_created === true || (given !== null && (await findHubKey(sql, reference, given)) !== null)) continue;
    const is_in_path =
      model.resource.parent?.reference === name || (place.id[name] !== undefined && operation !== 'create');
    if (is_in_path) throw notFound(model, { ...place, id: { [name]: String(given) }, parent: null });
    if (given === null) throw invalidField(name, 'required', `${name} is missing.`);
    const what = `There is no ${reference.target.title.toLowerCase()} ${given.replaceAll('\0', '\ufffd').slice(0, 100)}.`;
    if (is_missing_404 === true) throw new OneVaultError('not_found', { param: name, details: what });
    throw invalidField(name, 'unknown_reference', what);
  }
};
