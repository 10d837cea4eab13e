import type { Context } from 'koa';
import type { NewEvent } from '../../audit/record-event.ts';
import type { CurrentSnapshot } from '../../catalog/snapshot.ts';
import type { Clock } from '../../core/clock.ts';
import type { Cursors } from '../../http/cursor.ts';
import type { Outcome } from '../../http/outcome.ts';
import type { Query } from '../../http/query.ts';
import type { RouteContract } from '../../http/route.ts';
import type { AuditTrail } from '../access/audit-trail.ts';
import type { Caller } from '../access/caller.ts';

/** The audit event of a request, filled in while it is served. */
export interface EventDraft {
  readonly caller: Caller;
  /** Names the thing that is asked for, before it is looked for. */
  about(subject: string): void;
  /** Names the customers whose data the answer shows. */
  shows(customers: readonly (string | null)[]): void;
  /** The event of a change, to be written in the change's own transaction: `save` does. */
  change(before: object | null, after: object | null): NewEvent;
  /** Marks the request as a dry run: its event is another action, whatever becomes of it. */
  isDryRun(): void;
  /** States before and after a change that is not made. */
  rehearse(before: object | null, after: object | null): void;
}

/** A request that was let in, its path, query and body as the route's contract reads them. */
export interface ControlRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** As the contract's schema has it; undefined where the route takes none. */
  readonly body: unknown;
  readonly caller: Caller;
  readonly draft: EventDraft;
  /** It came by a root alias, whose rules are those of the spec documents. */
  readonly is_alias: boolean;
  /** Of this list, for this caller. */
  readonly cursors: Cursors;
  readonly ctx: Context;
}

/** Serves a request that was let in. */
export type Handler = (request: ControlRequest) => Promise<Outcome> | Outcome;

/** The dependencies of every route of the control plane. */
export interface RouteDeps {
  readonly clock: Clock;
  readonly snapshot: CurrentSnapshot;
  readonly audit: AuditTrail;
}

/** A path of the control plane: its contract, who is let in, and by which name the audit log knows what is done. */
export interface ControlRoute<Deps extends RouteDeps> extends RouteContract {
  /** As customer.create; of a route without a permission nothing is recorded. */
  readonly action: string;
  /** The kind of resource, as `customer`. */
  readonly subject_kind: string;
  /** The parameter of the path that names the thing. */
  readonly subject?: string;
  /** Refuses what is not there before the body is read. */
  readonly locate?: (deps: Deps, request: Omit<ControlRequest, 'body'>) => Promise<void> | void;
  readonly serve: (deps: Deps) => Handler;
}
