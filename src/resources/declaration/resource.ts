import type { NewEvent } from '../../audit/record-event.ts';
import type { Schema } from '../../http/route.ts';
import type { Stamp, VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { Codec } from './codecs.ts';

/** A state by column: the payloads of a resource's satellites side by side, as the vault keeps them. */
export type Columns = Readonly<Record<string, unknown>>;

/** Payloads by satellite: of a state satellite one, of a multi-active one its set, of one without a row none. */
export type Shape = Readonly<Record<string, readonly Columns[]>>;

/** The parts of a resource's id by name, in the order of the path. */
export type Id = Readonly<Record<string, string>>;

/** By name, the business key of each hub that a resource is related to. */
export type Related = Readonly<Record<string, string | null>>;

export type Operation = 'list' | 'create' | 'read' | 'update' | 'replace' | 'delete' | 'history';

/** The operations that may write a field: `patch` only once the resource exists, `always` at creation and later. */
type WritableOn = 'create' | 'patch' | 'always' | 'never';

/** The readers of a field: everyone, callers within the scope, callers with `KIND.read_personal`, nobody. */
export type ReadableBy = 'public' | 'scope' | 'personal' | 'secret';

export interface FieldOptions {
  /** Column that keeps the value; by default the one of the field's name. */
  readonly column?: string;
  readonly write: WritableOn;
  /** By default as the column's privacy says. */
  readonly read?: ReadableBy;
  /** Value of a field that a creation or a PUT leaves out; by default null, if the column is nullable. */
  readonly default?: unknown;
  /** Form of the field in JSON, if it differs from the column's. */
  readonly codec?: Codec;
  /** Rules for what may be written, besides those of the column. */
  readonly narrow?: Schema;
  /** Free text, which may name a person: it must hold no e-mail address, and events leave it out. */
  readonly is_free_text?: boolean;
  /** False: audit events leave it out. */
  readonly is_logged?: boolean;
}

/** A column, by the time at which it may be written or with options, or a fact of the rows themselves. */
export type Field = WritableOn | FieldOptions | { readonly fact: 'created_at' | 'applied_from' | 'version' };

/** A hub that the resource is related to; its business key is a field. */
export interface Reference {
  readonly hub: string;
  /** Link that holds the relation; left out if the resource's entity is itself a link of that hub. */
  readonly link?: string;
  /** Satellite that says whether the relation is in force, if it may end. */
  readonly effectivity?: string;
  readonly is_nullable?: boolean;
  readonly default?: string;
  /** True: the hub's row is created with the resource. */
  readonly is_created?: boolean;
  /** True: a value that the hub does not have is answered with 404, as it is what the request is about. */
  readonly is_missing_404?: boolean;
  readonly description?: string;
  /** Rules for the value in a body. */
  readonly narrow?: Schema;
}

/** A field of a body that no column keeps: hooks read it. */
export interface Input {
  readonly schema: Schema;
  readonly on: readonly ('create' | 'update' | 'replace')[];
  readonly required_on?: readonly ('create' | 'replace')[];
}

/** The change that a request asks for, on its way through the hooks. */
export interface Draft {
  readonly operation: string;
  readonly id: Id;
  readonly references: Related;
  /** Fields of the body, or of a DELETE's query, as they were sent. */
  readonly input: Columns;
  /** Null at creation. */
  readonly before: Columns | null;
  /** State to write; hooks may change it. */
  readonly columns: Record<string, unknown>;
  /** Fields that the response shows this once, as a new secret. */
  readonly reveals: Record<string, unknown>;
  /** Id of the API key, or name of the user, that asks for the change. */
  readonly actor: string;
}

/** A state with the facts of its rows. */
export interface State {
  readonly columns: Columns;
  readonly applied_from: string;
  /** Hash diff of the first satellite's row. */
  readonly version: string;
}

/** A change that is being written. */
export interface Change {
  readonly draft: Draft;
  readonly hash_key: string;
  /** Satellites that get rows. */
  readonly changed: ReadonlySet<string>;
  readonly before: State | null;
  readonly after: State;
}

export interface Hooks<Deps> {
  /** Refuses what no schema can refuse. Runs first, outside of a transaction. */
  readonly validate?: (deps: Deps, draft: Draft) => Promise<void> | void;
  /** Completes `draft.columns`: seals, asks a provider, makes a secret. Runs once, outside of a transaction. */
  readonly before_write?: (deps: Deps, draft: Draft) => Promise<void> | void;
  /** Refuses a state because of other rows. Runs in the transaction, under the lock. */
  readonly check?: (deps: Deps, tx: Transaction, draft: Draft) => Promise<void> | void;
  /** Id of a resource that already says what a creation asks for; it is the response then. Runs under the lock. */
  readonly find_same?: (deps: Deps, tx: Transaction, draft: Draft) => Promise<string | null>;
  /** Rows of other tables that belong to a change. */
  readonly more_rows?: (deps: Deps, change: Change, stamp: Stamp) => readonly VaultRow[];
  /** Parts of a change's event that differ from the columns before and after. */
  readonly event?: (change: Change) => Partial<NewEvent>;
}

/** Something that is done with one resource besides changing its fields: `POST …/{id}/{name}`. */
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

/** The state in which a resource has ended, written by DELETE. */
export interface End {
  readonly columns: Columns;
  /** True: nothing can be written afterwards. */
  readonly is_final: boolean;
  /** Parameters of DELETE, as a reason; hooks find them in `draft.input`. */
  readonly query?: Readonly<Record<string, { readonly schema: Schema; readonly description: string }>>;
}

/**
 * A resource of the control plane: a hub or link of the vault with its satellites, served by one engine. Routes,
 * validation, OpenAPI, audit events and the command line come from the declaration; what is special stands in hooks.
 */
export interface Resource<Deps extends EngineDeps = EngineDeps> {
  /** Singular, snake_case: permissions, events and schemas are named after it. */
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
  /** A generated id, a name that a person chose, or the references that identify a row of a link. */
  readonly id: 'uuid' | 'slug' | readonly string[];
  /** Satellites; those in one list are written together. The first one exists if the resource does. */
  readonly satellites: readonly (string | readonly string[])[];
  readonly references?: Readonly<Record<string, Reference>>;
  /** Reference that the parent's parameter of the path gives. */
  readonly parent?: { readonly param: string; readonly reference: string };
  /** Reference, or part of the id, that names the customer whose resource it is. */
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
