import type { Context } from 'koa';
import type { NewEvent } from '../../audit/record-event.ts';
import type { CurrentSnapshot } from '../../catalog/snapshot.ts';
import type { Clock } from '../../core/clock.ts';
import type { BodyOf, ParamsOf, QueryOf } from '../../http/contract-types.ts';
import type { Cursors } from '../../http/cursor.ts';
import type { Outcome } from '../../http/outcome.ts';
import type { Query } from '../../http/query.ts';
import type { RouteContract } from '../../http/route.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { AuditTrail } from '../access/audit-trail.ts';
import type { Caller } from '../access/caller.ts';

/** The audit event of a request, filled in while it is served. */
export interface EventDraft {
  readonly caller: Caller;
  /** Names the requested resource, before it is searched. */
  about(subject: string): void;
  /** Names the customers whose data the response shows. */
  shows(customers: readonly (string | null)[]): void;
  /** The event of a change, which `save` writes in the change's own transaction. */
  change(before: object | null, after: object | null): NewEvent;
  /** Marks the request as a dry run: its event has another action, with any outcome. */
  isDryRun(): void;
  /** States before and after the change of a dry run. */
  rehearse(before: object | null, after: object | null): void;
  /** Marks the request as one that repeats a response: its event is another action. */
  isReplay(): void;
}

/** An admitted request, with path, query and body as the route's contract parses them. */
export interface ControlRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** In the form of the contract's schema; undefined if the route has no body. */
  readonly body: unknown;
  readonly caller: Caller;
  readonly draft: EventDraft;
  /** True for a request to a root alias, which follows the rules of the specification. */
  readonly is_alias: boolean;
  /** Cursors of this list, for this caller. */
  readonly cursors: Cursors;
  readonly ctx: Context;
}

/** Serves an admitted request. */
export type Handler = (request: ControlRequest) => Promise<Outcome> | Outcome;

/** A request whose path, query and body have the types of its contract. */
export type RequestOf<C extends RouteContract> = Omit<ControlRequest, 'params' | 'query' | 'body'> & {
  readonly params: ParamsOf<C>;
  readonly query: QueryOf<C>;
  readonly body: BodyOf<C>;
};

/** The dependencies of every route of the control plane. */
export interface RouteDeps {
  readonly clock: Clock;
  readonly snapshot: CurrentSnapshot;
  readonly audit: AuditTrail;
  readonly sql: Sql;
  /** Resolves when this process's gateway knows the newest state of the vault. */
  readonly refreshSnapshot: () => Promise<void>;
}

/** A path of the control plane: its contract, its permission, and its action in the audit log. */
export interface ControlRoute<Deps extends RouteDeps> extends RouteContract {
  /** As customer.create; a route without a permission records nothing. */
  readonly action: string;
  /** The kind of resource, as `customer`. */
  readonly subject_kind: string;
  /** The parameter of the path that names the resource. */
  readonly subject?: string;
  /** Refuses an unknown resource before the body is read. */
  readonly locate?: (deps: Deps, request: Omit<ControlRequest, 'body'>) => Promise<void> | void;
  /** Its work continues after its transaction: a response to repeat is stored after it. */
  readonly outlives_transaction?: boolean;
  readonly serve: (deps: Deps) => Handler;
}
