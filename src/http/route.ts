/** A JSON Schema (draft 2020-12). One with a `title` becomes a component of the OpenAPI document under that name. */
export type Schema = Readonly<Record<string, unknown>>;

/** One parameter of a query. Its text is read as the schema's type: `string`, `integer`, `number` or `boolean`. */
export interface QueryParameter {
  readonly schema: Schema;
  readonly description: string;
  readonly is_required?: boolean;
  /** True if it may appear several times with different values; the handler gets a list. */
  readonly is_repeated?: boolean;
  readonly is_deprecated?: boolean;
}

/** Body of a request: JSON with a schema, or text. */
export interface RequestBody {
  readonly schema: Schema;
  /** `application/json` unless given. */
  readonly content_types?: readonly string[];
  readonly is_optional?: boolean;
}

/** One response of a route. */
export interface RouteResponse {
  readonly description: string;
  /** Schema of the resource, or of one row of a list; null for no body. */
  readonly schema: Schema | null;
  /** By default `single`: `{ data, meta }`; `list`: `{ data, meta, links }`; `bare`: the schema itself. */
  readonly form?: 'single' | 'list' | 'bare';
  /** `application/json` unless given. */
  readonly content_types?: readonly string[];
}

/** Start of the deprecation of a route (RFC 9745) and its end (RFC 8594). Instants are ISO 8601. */
export interface Deprecation {
  readonly since: string;
  readonly sunset?: string;
  /** URL of the documentation of its replacement. */
  readonly link?: string;
}

/** Contract of a route, the source of its validation, of OpenAPI and of the reference pages. */
export interface RouteContract {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Path with parameters as `:name`; paths of the control plane are below `/v1`. */
  readonly path: string;
  /** Other paths of the route with the same parameters. */
  readonly aliases?: readonly string[];
  /** True if aliases return a single resource without its envelope. */
  readonly is_bare_on_aliases?: boolean;
  readonly operation_id: string;
  readonly plane: 'control' | 'gateway';
  readonly summary: string;
  readonly description?: string;
  /** Required permission; null for a route without a key. */
  readonly permission: string | null;
  /** Schemas of the path's parameters, by name. */
  readonly params?: Readonly<Record<string, Schema>>;
  readonly query?: Readonly<Record<string, QueryParameter>>;
  readonly body?: RequestBody;
  /** Successful responses by status. */
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Descriptions of errors by status; those of every route are added. */
  readonly errors?: Readonly<Record<number, string>>;
  /** True if responses must not be cached: personal data, secrets, evidence. */
  readonly is_sensitive?: boolean;
  /** True if responses have an ETag, and If-None-Match with it gets 304. */
  readonly has_etag?: boolean;
  /** Use of If-Match; `required` applies below `/v1`. */
  readonly if_match?: 'optional' | 'required';
  readonly deprecated?: Deprecation;
}
