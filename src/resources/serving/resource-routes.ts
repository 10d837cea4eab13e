import { instantParameter } from '../../http/formats.ts';
import { CURSOR_QUERY, PAGE_QUERY } from '../../http/paging.ts';
import type { QueryParameter, RouteContract, Schema } from '../../http/route.ts';
import type { Registry } from '../../vault/registry.ts';
import { fieldsParameter, filterParameters, propertiesOf, shapeParameters } from '../declaration/list-query.ts';
import { type ResourceModel, resolveResource } from '../declaration/model.ts';
import type { Action, Operation, Resource } from '../declaration/resource.ts';
import { type ResourceSchemas, resourceSchemas } from '../declaration/resource-schemas.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { ControlRoute, RouteDeps } from './control-route.ts';
import { historyHandler, listHandler, locateResource, readHandler } from './read-handlers.ts';
import { actionHandler, writeHandler } from './write-handlers.ts';

const AS_OF: Readonly<Record<string, QueryParameter>> = {
  applied: instantParameter('When it held: business time. Now unless given.'),
  known: instantParameter('When it was known: the time of the record. Now unless given.'),
};

const DRY_RUN: Readonly<Record<string, QueryParameter>> = {
  dry_run: {
    schema: { type: 'boolean', default: false },
    description: 'Checks the request and returns its result; only the event of the dry run is written.',
  },
};

/**
 * The routes of a declared resource.
 * @throws Error if the declaration does not fit the vault
 */
export const resourceRoutes = <Deps extends EngineDeps & RouteDeps>(
  registry: Registry,
  resource: Resource<Deps>,
): ControlRoute<Deps>[] => {
  const model = resolveResource(registry, resource);
  const schemas = resourceSchemas(model);
  const routes = ROUTES.filter(({ operation }) => model.operations.includes(operation));
  return [
    ...routes.map(({ operation, contract, serve }) => ({
      ...routeBase(model, operation),
      ...contract(model, schemas),
      locate: locateResource(model),
      serve: serve(model),
    })),
    ...Object.entries(resource.actions ?? {}).map(([name, action]) => actionRoute(model, schemas, name, action)),
  ];
};

interface OperationRoute {
  readonly operation: Operation;
  readonly contract: <Deps extends EngineDeps & RouteDeps>(
    model: ResourceModel<Deps>,
    schemas: ResourceSchemas,
  ) => Pick<RouteContract, 'method' | 'summary' | 'responses'> & Partial<RouteContract>;
  readonly serve: <Deps extends EngineDeps & RouteDeps>(model: ResourceModel<Deps>) => ControlRoute<Deps>['serve'];
}

const nameOf = <Deps extends EngineDeps>({ resource }: ResourceModel<Deps>): string =>
  resource.kind.replaceAll('_', ' ');

const CONFLICT = { 409: 'It exists with other content, or its state does not allow the request.' } as const;

const ROUTES: readonly OperationRoute[] = [
  {
    operation: 'list',
    contract: (model, { trimmed }) => ({
      method: 'get',
      summary: `List each ${nameOf(model)}`,
      query: listQuery(model),
      responses: { 200: { description: 'One page.', schema: trimmed, form: 'list' } },
    }),
    serve: listHandler,
  },
  {
    operation: 'create',
    contract: ({ resource, ...model }, { create, created, shown }) => ({
      method: 'post',
      summary: `Create a ${nameOf({ resource, ...model })}`,
      query: DRY_RUN,
      body: { schema: create },
      responses: {
        201: { description: 'It was created; Location has its path.', schema: created },
        200: { description: 'An equal resource exists already, or the request is a dry run.', schema: shown },
      },
      errors: CONFLICT,
      ...(resource.is_bare_on_aliases === true ? { is_bare_on_aliases: true } : {}),
      ...(resource.reveals === undefined ? {} : { is_sensitive: true }),
    }),
    serve: (model) => writeHandler(model, 'create'),
  },
  {
    operation: 'read',
    contract: ({ resource, ...model }, { trimmed }) => ({
      method: 'get',
      summary: `Read a ${nameOf({ resource, ...model })}`,
      query: { fields: fieldsParameter(shownNames({ resource, ...model })), ...AS_OF },
      responses: { 200: { description: 'The resource.', schema: trimmed } },
      has_etag: true,
      ...(resource.is_bare_on_aliases === true ? { is_bare_on_aliases: true } : {}),
    }),
    serve: readHandler,
  },
  {
    operation: 'update',
    contract: (model, { update, shown }) => ({
      method: 'patch',
      summary: `Change a ${nameOf(model)}`,
      description: 'JSON Merge Patch (RFC 7396): omitted fields stay, null clears a field.',
      query: DRY_RUN,
      body: { schema: update },
      responses: { 200: { description: 'The resource as it is now.', schema: shown } },
      errors: CONFLICT,
      if_match: model.resource.requires_if_match === true ? 'required' : 'optional',
    }),
    serve: (model) => writeHandler(model, 'update'),
  },
  {
    operation: 'replace',
    contract: (model, { replace, shown }) => ({
      method: 'put',
      summary: `Replace a ${nameOf(model)}`,
      description: 'Omitted fields get their defaults.',
      query: DRY_RUN,
      body: { schema: replace },
      responses: {
        200: { description: 'The resource as it is now.', schema: shown },
        ...(model.resource.id === 'uuid' ? {} : { 201: { description: 'It was created.', schema: shown } }),
      },
      errors: CONFLICT,
      if_match: model.resource.requires_if_match === true ? 'required' : 'optional',
    }),
    serve: (model) => writeHandler(model, 'replace'),
  },
  {
    operation: 'delete',
    contract: (model, { shown }) => ({
      method: 'delete',
      summary: `End a ${nameOf(model)}`,
      description: 'No data is removed: the resource stays readable in its last state.',
      query: { ...model.resource.end?.query, ...datedQuery(model), ...DRY_RUN },
      responses: { 200: { description: 'The resource in its last state.', schema: shown } },
      errors: { ...CONFLICT, 422: 'A parameter is not valid.' },
      if_match: 'optional',
    }),
    serve: (model) => writeHandler(model, 'delete'),
  },
  {
    operation: 'history',
    contract: (model, { state }) => ({
      method: 'get',
      summary: `List the states of a ${nameOf(model)}, oldest first`,
      query: PAGE_QUERY,
      responses: { 200: { description: 'One page.', schema: state, form: 'list' } },
    }),
    serve: historyHandler,
  },
];

const datedQuery = <Deps extends EngineDeps>({ resource }: ResourceModel<Deps>) =>
  resource.effective_dated === 'written'
    ? { applied_from: instantParameter('From when it has ended; now unless given.') }
    : {};

const shownNames = <Deps extends EngineDeps>({ id, references, fields }: ResourceModel<Deps>): string[] => [
  ...new Set([
    ...id.map(({ name }) => name),
    ...references.map(({ name }) => name),
    ...fields.filter(({ read }) => read !== 'secret').map(({ name }) => name),
  ]),
];

const listQuery = <Deps extends EngineDeps>(model: ResourceModel<Deps>): Record<string, QueryParameter> => {
  const { resource } = model;
  const filters = propertiesOf(model, resource.filters ?? []).map(filterParameters);
  return {
    ...Object.assign({}, ...filters),
    ...shapeParameters(resource.sorts ?? [], shownNames(model)),
    ...(resource.paging === 'cursor' ? {} : PAGE_QUERY),
    ...CURSOR_QUERY,
    ...AS_OF,
  };
};

const ON_COLLECTION: readonly Operation[] = ['list', 'create'];

/** The parts that all routes of a resource share: paths, names, parameters. */
const routeBase = <Deps extends EngineDeps & RouteDeps>(model: ResourceModel<Deps>, operation: string) => {
  const { resource, id } = model;
  const item = id.map(({ name }) => `/:${name}`).join('');
  const tails: Readonly<Record<string, string>> = { list: '', create: '', history: `${item}/history` };
  const is_action = resource.actions?.[operation] !== undefined;
  const tail = tails[operation] ?? (is_action ? `${item}/${operation}` : item);
  const names = resource.names?.[operation] ?? {};
  const base = operation === 'history' ? 'read' : operation;
  const inherited = operation === 'history' ? (resource.names?.read ?? {}) : {};
  const permission = `${resource.kind}.${base === 'replace' ? 'update' : base}`;
  return {
    plane: 'control',
    path: `/v1${resource.path}${tail}`,
    aliases: (resource.aliases ?? [resource.path]).map((alias) => `${alias}${tail}`),
    operation_id: `${resource.kind}.${operation}`,
    permission: names.permission ?? inherited.permission ?? permission,
    action: names.action ?? inherited.action ?? `${resource.kind}.${base}`,
    subject_kind: names.subject_kind ?? resource.kind,
    params: paramSchemas(model, operation),
    ...(resource.is_sensitive === true ? { is_sensitive: true } : {}),
  } as const;
};

const paramSchemas = <Deps extends EngineDeps>({ resource, id }: ResourceModel<Deps>, operation: string) => {
  const own: [string, Schema][] = ON_COLLECTION.includes(operation as Operation)
    ? []
    : id.map(({ name }) => [
        name,
        { type: 'string', minLength: 1, ...(resource.id === 'uuid' ? { format: 'uuid' } : {}) },
      ]);
  const parent: [string, Schema][] =
    resource.parent === undefined ? [] : [[resource.parent.param, { type: 'string', minLength: 1 }]];
  return Object.fromEntries([...parent, ...own]);
};

const actionRoute = <Deps extends EngineDeps & RouteDeps>(
  model: ResourceModel<Deps>,
  { shown }: ResourceSchemas,
  name: string,
  { summary, input }: Action<Deps>,
): ControlRoute<Deps> => ({
  ...routeBase(model, name),
  method: 'post',
  summary,
  query: DRY_RUN,
  ...(input === undefined ? {} : { body: { schema: input } }),
  responses: { 200: { description: 'The resource as it is now.', schema: shown } },
  errors: CONFLICT,
  if_match: 'optional',
  locate: locateResource(model),
  serve: actionHandler(model, name),
});
