import type { NewEvent } from '../../audit/record-event.ts';
import type { Schema } from '../../http/route.ts';
import type { Stamp, VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { Codec } from './codecs.ts';

/** A state by column: the payloads of a resource's satellites side by side, as in the vault. */
export type Columns = Readonly<Record<string, unknown>>;

/** Payloads by satellite: of a state satellite one, of a multi-active one its set, of one without a row none. */
export type Shape = Readonly<Record<string, readonly Columns[]>>;

/** The parts of a resource's id by name, in the order of the path. */
export type Id = Readonly<Record<string, string>>;

/** By name, the business key of each related hub of a resource. */
export type Related = Readonly<Record<string, string | null>>;

export type Operation = 'list' | 'create' | 'read' | 'update' | 'replace' | 'delete' | 'history';

/** The operations that may write a field: `patch` only once the resource exists, `always` at creation and later. */
type WritableOn = 'create' | 'patch' | 'always' | 'never';

/** The readers of a field: everyone, callers within the scope, callers with `KIND.read_personal`, nobody. */
export type ReadableBy = 'public' | 'scope' | 'personal' | 'secret';

export interface FieldOptions {
  /** Column of the value; by default the one with the field's name. */
  readonly column?: string;
  readonly write: WritableOn;
  /** By default derived from the column's privacy. */
  readonly read?: ReadableBy;
  /** Value of a field that a creation or a PUT omits; by default null, if the column is nullable. */
  readonly default?: unknown;
  /** Form of the field in JSON, if it differs from the column's. */
  readonly codec?: Codec;
  /** Rules for written values, besides those of the column. */
  readonly narrow?: Schema;
  /** Free text, which may name a person: it must not contain an e-mail address, and events omit it. */
  readonly is_free_text?: boolean;
  /** False: audit events omit it. */
  readonly is_logged?: boolean;
}

/** A column, with the operations that may write it or with options, or a fact of the rows themselves. */
export type Field = WritableOn | FieldOptions | { readonly fact: 'created_at' | 'applied_from' | 'version' };

/** A related hub of the resource; its business key is a field. */
export interface Reference {
  readonly hub: string;
  /** Link of the relation; omitted if the resource's entity is itself a link of that hub. */
  readonly link?: string;
  /** Satellite with the state of the relation, if it may end. */
  readonly effectivity?: string;
  readonly is_nullable?: boolean;
  readonly default?: string;
  /** True: the hub's row is created with the resource. */
  readonly is_created?: boolean;
  /** True: an unknown value gets 404, because it is the subject of the request. */
  readonly is_missing_404?: boolean;
  readonly description?: string;
  /** Rules for the value in a body. */
  readonly narrow?: Schema;
}

/** A field of a body without a column: hooks read it. */
export interface Input {
  readonly schema: Schema;
  readonly on: readonly ('create' | 'update' | 'replace')[];
  readonly required_on?: readonly ('create' | 'replace')[];
}

/** The requested change, on its way through the hooks. */
export interface Draft {
  readonly operation: string;
  readonly id: Id;
  readonly references: Related;
  /** Fields of the body, or of a DELETE's query, unchanged. */
  readonly input: Columns;
  /** Null at creation. */
  readonly before: Columns | null;
  /** State to write; hooks may change it. */
  readonly columns: Record<string, unknown>;
  /** Fields that only this response shows, as a new secret. */
  readonly reveals: Record<string, unknown>;
  /** Id of the API key, or name of the user, that requests the change. */
  readonly actor: string;
}

/** A state with the facts of its rows. */
export interface State {
  readonly columns: Columns;
  readonly applied_from: string;
  /** Hash diff of the first satellite's row. */
  readonly version: string;
}

/** A change in progress. */
export interface Change {
  readonly draft: Draft;
  readonly hash_key: string;
  /** Satellites that get rows. */
  readonly changed: ReadonlySet<string>;
  readonly before: State | null;
  readonly after: State;
}

export interface Hooks<Deps> {
  /** Refuses faults that no schema can express. Runs first, outside of a transaction. */
  readonly validate?: (deps: Deps, draft: Draft) => Promise<void> | void;
  /** Completes `draft.columns`: seals, calls a provider, creates a secret. Runs once, outside of a transaction. */
  readonly before_write?: (deps: Deps, draft: Draft) => Promise<void> | void;
  /** Refuses a state because of other rows. Runs in the transaction, under the lock. */
  readonly check?: (deps: Deps, tx: Transaction, draft: Draft) => Promise<void> | void;
  /** Id of an existing resource equal to the requested one; it is the response then. Runs under the lock. */
  readonly find_same?: (deps: Deps, tx: Transaction, draft: Draft) => Promise<string | null>;
  /** Rows of other tables that belong to a change. */
  readonly more_rows?: (deps: Deps, change: Change, stamp: Stamp) => readonly VaultRow[];
  /** Parts of a change's event that differ from the columns before and after. */
  readonly event?: (change: Change) => Partial<NewEvent>;
}

/** An action on one resource besides changes of its fields: `POST …/{id}/{name}`. */
export interface Action<Deps> {
  readonly summary: string;
  /** Schema of the body; without one the action has none. */
  readonly input?: Schema;
  /** Changes `draft.columns`; the body is `draft.input`. */
  readonly run: (deps: Deps, draft: Draft) => Promise<void> | void;
}

interface OperationNames {
  readonly permission?: string;
  /** Word of the audit log. */
  readonly action?: string;
  readonly subject_kind?: string;
}

/** The final state of a resource, written by DELETE. */
export interface End {
  readonly columns: Columns;
  /** True: no write is possible afterwards. */
  readonly is_final: boolean;
  /** Parameters of DELETE, as a reason; hooks find them in `draft.input`. */
  readonly query?: Readonly<Record<string, { readonly schema: Schema; readonly description: string }>>;
}

/**
 * A resource of the control plane: a hub or link of the vault with its satellites, served by one engine. Routes,
 * validation, OpenAPI, audit events and the command line come from the declaration; hooks have the special parts.
 */
export interface Resource<Deps extends EngineDeps = EngineDeps> {
  /** Singular, snake_case: permissions, events and schemas derive their names from it. */
  readonly kind: string;
  readonly summary: string;
  /** Path of the collection below `/v1`, with the parent's parameter: `/customers/:slug/prices`. */
  readonly path: string;
  /** Other paths of the collection; by default the path without `/v1`. */
  readonly aliases?: readonly string[];
  /** True: aliases answer POST and GET of one resource without the envelope. */
  readonly is_bare_on_aliases?: boolean;
  /** Hub or link of the vault. */
  readonly entity: string;
  /** A generated id, a chosen name, or the references that identify a row of a link. */
  readonly id: 'uuid' | 'slug' | readonly string[];
  /** Satellites; those in one list are written together. The first one has a row for each resource. */
  readonly satellites: readonly (string | readonly string[])[];
  readonly references?: Readonly<Record<string, Reference>>;
  /** Reference that the parent's parameter of the path gives. */
  readonly parent?: { readonly param: string; readonly reference: string };
  /** Reference, or part of the id, that names the customer of the resource. */
  readonly scope?: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly inputs?: Readonly<Record<string, Input>>;
  /** Fields that hooks put into `draft.reveals`. */
  readonly reveals?: Readonly<Record<string, Schema>>;
  readonly filters?: readonly string[];
  readonly sorts?: readonly string[];
  /** `page` counts rows (at most 100,000); `cursor` does not. */
  readonly paging?: 'page' | 'cursor';
  /** By default all; without `end` there is no `delete`. */
  readonly operations?: readonly Operation[];
  /** By operation or action: names that do not follow the kind. */
  readonly names?: Readonly<Record<string, OperationNames>>;
  readonly end?: End;
  /** True: below `/v1` PATCH and PUT need If-Match. */
  readonly requires_if_match?: boolean;
  /** States have dates of their own: reads show the one in force now; `written`: writes take `applied_from`. */
  readonly effective_dated?: 'read' | 'written';
  /** True: responses must not be cached. */
  readonly is_sensitive?: boolean;
  readonly record_source?: string;
  /** Changes with the same lock wait for each other; by default each resource has its own. */
  readonly lock?: (id: Id, references: Related) => string;
  /** Name of the resource in events; by default the parts of its id. */
  readonly subject?: (id: Id, references: Related, operation: string) => string;
  /** Translation between columns and satellites whose rows are not the columns themselves. */
  readonly shape?: { read(rows: Shape): Columns; write(columns: Columns): Shape };
  readonly actions?: Readonly<Record<string, Action<Deps>>>;
  readonly hooks?: Hooks<Deps>;
}
