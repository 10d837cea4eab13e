/** A JSON Schema (draft 2020-12). One with a `title` becomes a component of the OpenAPI document under that name. */
export type Schema = Readonly<Record<string, unknown>>;

/** One parameter of a query. Its text is read as the schema's type: `string`, `integer`, `number` or `boolean`. */
export interface QueryParameter {
  readonly schema: Schema;
  readonly description: string;
  /** May stand several times, each time with another value; the handler gets a list. */
  readonly is_repeated?: boolean;
  readonly is_deprecated?: boolean;
}

/** What a request carries: JSON that a schema describes, or text. */
export interface RequestBody {
  readonly schema: Schema;
  /** `application/json` unless given. */
  readonly content_types?: readonly string[];
  readonly is_optional?: boolean;
}

/** One answer of a route. */
export interface RouteResponse {
  readonly description: string;
  /** Of a list: of one of its rows. Null: it has no body. */
  readonly schema: Schema | null;
  /** `single` unless given: `{ data, meta }`; `list`: `{ data, meta, links }`; `bare`: as the schema is. */
  readonly form?: 'single' | 'list' | 'bare';
  /** `application/json` unless given. */
  readonly content_types?: readonly string[];
}

/** Since when a route is on its way out (RFC 9745), and when it goes (RFC 8594). Instants are ISO 8601. */
export interface Deprecation {
  readonly since: string;
  readonly sunset?: string;
  /** Where it is said what to use instead. */
  readonly link?: string;
}

/** What a path takes and answers: validation, OpenAPI and the reference pages come from it. */
export interface RouteContract {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters as `:name`; those of the control plane stand below `/v1`. */
  readonly path: string;
  /** Other paths with the same parameters that answer the same. */
  readonly aliases?: readonly string[];
  /** Aliases answer a single resource without its envelope. */
  readonly is_bare_on_aliases?: boolean;
  readonly operation_id: string;
  readonly plane: 'control' | 'gateway';
  readonly summary: string;
  readonly description?: string;
  /** Null: it takes no credential. */
  readonly permission: string | null;
  /** By name, what a parameter of the path is. */
  readonly params?: Readonly<Record<string, Schema>>;
  readonly query?: Readonly<Record<string, QueryParameter>>;
  readonly body?: RequestBody;
  /** By status, what it answers when all is well. */
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** By status, when it answers an error; those that every route may answer are added. */
  readonly errors?: Readonly<Record<number, string>>;
  /** What it answers must lie in no cache: personal data, secrets, evidence. */
  readonly is_sensitive?: boolean;
  /** Answers an ETag, and 304 to the If-None-Match that names it. */
  readonly has_etag?: boolean;
  /** Whether If-Match is taken, and below `/v1` needed. */
  readonly if_match?: 'optional' | 'required';
  readonly deprecated?: Deprecation;
}
