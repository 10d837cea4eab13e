import type { Schema } from '../../http/route.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { isRequired, isWritable } from '../writing/merge-input.ts';
import { referenceWritten, SLUG } from './id-schema.ts';
import type { FieldModel, ReferenceModel, ResourceModel } from './model.ts';

/** Schemas of a resource's bodies and responses. */
export interface ResourceSchemas {
  readonly create: Schema;
  readonly update: Schema;
  readonly replace: Schema;
  /** One resource, whole. */
  readonly shown: Schema;
  /** One resource, or the part of it that `fields` selects. */
  readonly trimmed: Schema;
  readonly created: Schema;
  readonly state: Schema;
}

const UUID: Schema = { type: 'string', format: 'uuid' };
const INSTANT: Schema = { type: 'string', format: 'date-time' };

/** `provider_key` as `ProviderKey`. */
export const schemaName = (kind: string): string =>
  kind.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const resourceSchemas = <Deps extends EngineDeps>(model: ResourceModel<Deps>): ResourceSchemas => {
  const { resource } = model;
  const name = schemaName(resource.kind);
  const shown = shownSchema(model, name);
  const { title: _title, required: _required, ...part } = shown;
  const reveals = resource.reveals ?? {};
  return {
    create: bodySchema(model, 'create', `New${name}`),
    update: bodySchema(model, 'update', `${name}Change`),
    replace: bodySchema(model, 'replace', `${name}Replacement`),
    shown,
    trimmed: { anyOf: [shown, { title: `${name}Part`, ...part }] },
    created:
      resource.reveals === undefined
        ? shown
        : { ...shown, title: `${name}Created`, properties: { ...(shown.properties as object), ...reveals } },
    state: stateSchema(shown, name),
  };
};

const idSchemas = <Deps extends EngineDeps>({ resource, id }: ResourceModel<Deps>): Record<string, Schema> => {
  if (typeof resource.id !== 'string') return {};
  // Names from before the rule stay valid.
  return { [id[0]!.name]: resource.id === 'uuid' ? UUID : { type: 'string', description: 'Name of the resource.' } };
};

const shownSchema = <Deps extends EngineDeps>(model: ResourceModel<Deps>, title: string): Schema => {
  const fields = model.fields.filter(({ read }) => read !== 'secret');
  const properties = {
    ...idSchemas(model),
    ...Object.fromEntries(model.references.map((each) => [each.name, referenceShown(each)])),
    ...Object.fromEntries(fields.map(({ name, shown }) => [name, shown])),
  };
  const personal = fields.filter(({ read }) => read === 'personal').map(({ name }) => name);
  return {
    title,
    description: model.resource.summary,
    type: 'object',
    additionalProperties: false,
    required: Object.keys(properties).filter((name) => !personal.includes(name)),
    properties,
  };
};

const referenceShown = ({ is_nullable, description }: ReferenceModel): Schema => ({
  type: is_nullable === true ? ['string', 'null'] : 'string',
  ...(description === undefined ? {} : { description }),
});

const stateSchema = ({ properties, required }: Schema, name: string): Schema => ({
  title: `${name}State`,
  description: 'A state in force from one instant until another.',
  type: 'object',
  additionalProperties: false,
  required: [...new Set([...(required as string[]), 'applied_from', 'applied_until', 'recorded_at', 'etag'])],
  properties: {
    ...(properties as object),
    applied_from: INSTANT,
    applied_until: { type: ['string', 'null'], format: 'date-time' },
    recorded_at: INSTANT,
    etag: { type: 'string' },
  },
});

const bodySchema = <Deps extends EngineDeps>(
  model: ResourceModel<Deps>,
  writing: 'create' | 'update' | 'replace',
  title: string,
): Schema => {
  const { resource, fields, references } = model;
  const own = fields.filter((field) => field.column !== null && isWritable(field, writing));
  const related = writing === 'create' ? references.filter(({ name }) => name !== resource.parent?.reference) : [];
  const inputs = Object.entries(resource.inputs ?? {}).filter(([, { on }]) => on.includes(writing));
  const dated = writing !== 'create' && resource.effective_dated === 'written' ? { applied_from: APPLIED_FROM } : {};
  const required = [
    ...(writing === 'create' && resource.id === 'slug' ? ['slug'] : []),
    ...related.filter((each) => each.is_nullable !== true && each.default === undefined).map(({ name }) => name),
    ...own.filter(isRequired).map(({ name }) => name),
    ...inputs
      .filter(([, { required_on }]) => writing !== 'update' && required_on?.includes(writing) === true)
      .map(([name]) => name),
  ];
  return {
    title,
    type: 'object',
    additionalProperties: false,
    ...(writing === 'update' ? { minProperties: 1 } : { required }),
    properties: {
      ...(writing === 'create' && resource.id === 'slug' ? { slug: SLUG } : {}),
      ...Object.fromEntries(related.map((each) => [each.name, referenceWritten(each)])),
      ...Object.fromEntries(own.map((field) => [field.name, writtenSchema(field)])),
      ...Object.fromEntries(inputs.map(([name, { schema }]) => [name, schema])),
      ...dated,
    },
  };
};

const APPLIED_FROM: Schema = {
  type: ['string', 'null'],
  format: 'instant',
  description: 'Start of the state; null or omitted: now.',
};

const writtenSchema = ({ written, options }: FieldModel): Schema => {
  const value = options.default;
  return value === undefined || value === null || typeof value === 'object' ? written : { ...written, default: value };
};
