import type { Columns } from '../declaration/resource.ts';
import type { Place } from '../reading/find.ts';
import type { WriteEvents } from './write-events.ts';

/** A change of one resource, requested by a route or a command. */
export interface WriteRequest {
  /** `create`, `update`, `replace`, `delete`, or the name of an action. */
  readonly operation: string;
  readonly place: Place;
  readonly input: Columns;
  /** Start of the state; null: now. */
  readonly applied_from?: string | null;
  /** `If-Match`; null: any version. */
  readonly if_match?: string | null;
  /** True: a change of an existing resource needs `if_match`. */
  readonly requires_version?: boolean;
  /** `If-None-Match: *`: refuses to replace an existing resource. */
  readonly creates_only?: boolean;
  readonly is_dry_run?: boolean;
  readonly actor: string;
  readonly events: WriteEvents;
}
