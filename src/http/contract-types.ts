import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import type { QueryParameter, RequestBody, RouteContract } from './route.ts';

/** TypeScript type of the values of a JSON Schema that is written `as const`; unknown for any other schema. */
export type ValueOf<S> = S extends JSONSchema ? FromSchema<S> : unknown;

type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** Parameters of a contract's path. */
export type ParamsOf<C extends RouteContract> = Readonly<Record<NamesIn<C['path']>, string>>;

type ParameterValue<P> = P extends { readonly schema: infer S; readonly is_repeated: true }
  ? readonly ValueOf<S>[]
  : P extends { readonly schema: infer S }
    ? ValueOf<S>
    : never;

type RequiredIn<Q> = { [Name in keyof Q]: Q[Name] extends { readonly is_required: true } ? Name : never }[keyof Q];

type QueryValues<Q> = { readonly [Name in RequiredIn<Q>]: ParameterValue<Q[Name]> } & {
  readonly [Name in Exclude<keyof Q, RequiredIn<Q>>]?: ParameterValue<Q[Name]>;
};

/** Parameters of a contract's query. */
export type QueryOf<C extends RouteContract> = C extends {
  readonly query: infer Q extends Readonly<Record<string, QueryParameter>>;
}
  ? QueryValues<Q>
  : Readonly<Record<never, never>>;

/** Body of a contract's requests: JSON by its schema, or the bytes of a text. */
export type BodyOf<C extends RouteContract> = C extends { readonly body: infer B extends RequestBody }
  ? B extends { readonly content_types: readonly string[] }
    ? Buffer
    : ValueOf<B['schema']>
  : undefined;
