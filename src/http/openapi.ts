import {
  type Components,
  createComponents,
  ERROR_SCHEMA,
  GATEWAY_ERROR_SCHEMA,
  listSchema,
  PROBLEM_SCHEMA,
  singleSchema,
} from './openapi-schemas.ts';
import type { QueryParameter, RouteContract, RouteResponse, Schema } from './route.ts';
import { API_VERSION, PROBLEM_TYPE, VERSIONED_JSON_TYPES } from './version.ts';

const JSON_TYPE = 'application/json';

const DESCRIPTION = `Two planes in one contract. The gateway plane takes calls in the protocols of the providers' own
SDKs, whose bodies and errors it keeps. The control plane administers the product: paths below /v1 are canonical, and
x-onevault-aliases names the others. A version is chosen by the path, by the media type
application/vnd.onevault.v1+json in Accept, or by ?version=1.`;

const TAGS = [
  { name: 'gateway', description: "Calls, in the protocols of the providers' own SDKs." },
  { name: 'control', description: 'Administration, evidence and operation.' },
];

/**
 * The OpenAPI 3.1 document of routes.
 * @throws Error if two schemas or two operations have the same name
 */
export const openApiDocument = (routes: readonly RouteContract[]): object => {
  const components = createComponents();
  const paths: Record<string, Record<string, object>> = {};
  const names = new Set<string>();
  for (const { path, method, operation } of routes.flatMap((route) => operationsOf(route, components))) {
    const name = (operation as { operationId: string }).operationId;
    if (names.has(name)) throw new Error(`two operations are called ${name}`);
    names.add(name);
    paths[path] = { ...paths[path], [method]: operation };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'OneVault Gateway', version: API_VERSION, description: DESCRIPTION.replaceAll('\n', ' ') },
    servers: [{ url: '/' }],
    tags: TAGS,
    security: [{ api_key: [] }],
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: { api_key: { type: 'http', scheme: 'bearer', description: 'An API key, sk_….' } },
      schemas: Object.fromEntries(Object.entries(components.schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
};

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operation: object;
}

const operationsOf = (route: RouteContract, components: Components): Operation[] => {
  const { method, aliases = [] } = route;
  const canonical = { path: openApiPath(route.path), method, operation: operationOf(route, components, false) };
  if (route.is_bare_on_aliases !== true) return [canonical];
  return [
    canonical,
    ...aliases.map((alias) => ({
      path: openApiPath(alias),
      method,
      operation: operationOf({ ...route, operation_id: `${route.operation_id}.alias` }, components, true),
    })),
  ];
};

/** `/v1/customers/:slug` as `/v1/customers/{slug}`. */
const openApiPath = (path: string): string => path.replaceAll(/\/:(\w+)/g, '/{$1}');

const operationOf = (route: RouteContract, components: Components, is_bare: boolean): object => {
  const parameters = parametersOf(route, components);
  const { body, aliases = [] } = route;
  return {
    operationId: route.operation_id,
    tags: [route.plane],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.deprecated === undefined ? {} : { deprecated: true }),
    ...(route.permission === null ? { security: [] } : { 'x-onevault-permission': route.permission }),
    ...(aliases.length === 0 || is_bare ? {} : { 'x-onevault-aliases': aliases.map(openApiPath) }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.is_optional !== true,
            content: contentOf(components.put(body.schema), body.content_types ?? [JSON_TYPE]),
          },
        }),
    responses: responsesOf(route, components, is_bare),
  };
};

const parametersOf = (route: RouteContract, components: Components): object[] => {
  const { path, params, query, has_etag, if_match } = route;
  const names = [...openApiPath(path).matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  return [
    ...names.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: components.put(params?.[name] ?? { type: 'string', minLength: 1 }),
    })),
    ...Object.entries(query ?? {}).map(([name, parameter]) => queryParameterOf(name, parameter, components)),
    ...(has_etag === true ? [headerOf('If-None-Match', 'The ETag of a version that is known.')] : []),
    ...(if_match === undefined ? [] : [headerOf('If-Match', 'The ETag of the version that is to change.')]),
    ...(takesIdempotencyKey(route) ? [IDEMPOTENCY_KEY] : []),
  ];
};

/** Calls and writes take a key. */
const takesIdempotencyKey = ({ method, permission }: RouteContract): boolean => method !== 'get' && permission !== null;

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Chosen by the client for one request and its retries. Within 24 h the request is executed once.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
};

const queryParameterOf = (name: string, parameter: QueryParameter, components: Components): object => {
  const schema = components.put(parameter.schema);
  return {
    name,
    in: 'query',
    description: parameter.description,
    ...(parameter.is_required === true ? { required: true } : {}),
    ...(parameter.is_deprecated === true ? { deprecated: true } : {}),
    schema: parameter.is_repeated === true ? { type: 'array', items: schema } : schema,
  };
};

const headerOf = (name: string, description: string): object => ({
  name,
  in: 'header',
  description,
  schema: { type: 'string' },
});

const responsesOf = (route: RouteContract, components: Components, is_bare: boolean): object => {
  const { plane, has_etag } = route;
  const headers = responseHeadersOf(route);
  const own = Object.entries(route.responses).map(([status, response]) => [
    status,
    responseOf(response, components, is_bare, headers),
  ]);
  const not_modified =
    has_etag === true ? [['304', { description: 'The version in If-None-Match is the present one.' }]] : [];
  const errors = plane === 'gateway' ? GATEWAY_ERRORS : errorsOf(route);
  const error = plane === 'gateway' ? gatewayErrorOf(components) : controlErrorOf(components);
  return Object.fromEntries([
    ...own,
    ...not_modified,
    ...Object.entries(errors).map(([status, description]) => [status, { description, ...error }]),
    ['default', { description: 'An error that any request may cause.', ...error }],
  ]);
};

/** Headers of a route's successful responses. */
const responseHeadersOf = (route: RouteContract): object => {
  const headers = {
    ...(route.has_etag === true || route.if_match !== undefined ? { ETag: { schema: { type: 'string' } } } : {}),
    ...(takesIdempotencyKey(route) ? { 'Idempotent-Replayed': REPLAYED } : {}),
  };
  return Object.keys(headers).length === 0 ? {} : { headers };
};

const REPLAYED = {
  description: 'Present if this is the first response to the Idempotency-Key again.',
  schema: { type: 'string', enum: ['true'] },
};

const responseOf = (
  { description, schema, form = 'single', content_types = [JSON_TYPE] }: RouteResponse,
  components: Components,
  is_bare: boolean,
  headers: object,
): object => {
  if (schema === null) return { description, ...headers };
  const wrap = { single: is_bare ? asItIs : singleSchema, list: listSchema, bare: asItIs }[form];
  const types = form === 'bare' ? content_types : content_types.flatMap(versioned);
  return { description, ...headers, content: contentOf(components.put(wrap(schema)), types) };
};

const asItIs = (schema: Schema): Schema => schema;

const versioned = (type: string): string[] => (type === JSON_TYPE ? [JSON_TYPE, ...VERSIONED_JSON_TYPES] : [type]);

const contentOf = (schema: Schema, types: readonly string[]): object =>
  Object.fromEntries(types.map((type) => [type, { schema }]));

const GATEWAY_ERRORS = {
  400: 'The request does not have the form that the endpoint takes, or the provider refused it.',
  401: 'The key is missing, not known, revoked or expired.',
} as const;

const errorsOf = (route: RouteContract): Readonly<Record<number, string>> => ({
  400: 'The query, or the JSON of the body, cannot be read.',
  ...(route.permission === null
    ? {}
    : { 401: 'The key is missing, not known, revoked or expired.', 403: 'The key lacks the permission.' }),
  ...(openApiPath(route.path).includes('{') ? { 404: 'There is no such thing.' } : {}),
  406: 'No form that Accept names is answered.',
  ...(route.if_match === undefined ? {} : { 412: 'It has changed since the version that If-Match names.' }),
  ...(route.if_match === 'required' ? { 428: 'If-Match is missing.' } : {}),
  ...(takesIdempotencyKey(route)
    ? {
        409: 'A request with this Idempotency-Key is running.',
        422: 'The Idempotency-Key belongs to another request.',
      }
    : {}),
  ...(route.body === undefined
    ? {}
    : { 413: 'The body is too large.', 415: 'The body is not JSON.', 422: 'Fields of the body are not valid.' }),
  ...route.errors,
});

const controlErrorOf = (components: Components): object => ({
  content: {
    [JSON_TYPE]: { schema: components.put(ERROR_SCHEMA) },
    [PROBLEM_TYPE]: { schema: components.put(PROBLEM_SCHEMA) },
  },
});

const gatewayErrorOf = (components: Components): object => ({
  content: { [JSON_TYPE]: { schema: components.put(GATEWAY_ERROR_SCHEMA) } },
});
