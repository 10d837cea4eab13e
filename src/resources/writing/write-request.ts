import type { Columns } from '../declaration/resource.ts';
import type { Place } from '../reading/find.ts';
import type { WriteEvents } from './write-events.ts';

/** A change of one resource, as a route or a command asks for it. */
export interface WriteRequest {
  /** `create`, `update`, `replace`, `delete`, or the name of an action. */
  readonly operation: string;
  readonly place: Place;
  readonly input: Columns;
  /** From when the state holds; null: from now. */
  readonly applied_from?: string | null;
  /** `If-Match`; null: whatever the version. */
  readonly if_match?: string | null;
  /** True: a change of what exists needs `if_match`. */
  readonly requires_version?: boolean;
  /** `If-None-Match: *`: refuses to replace what exists. */
  readonly creates_only?: boolean;
  readonly is_dry_run?: boolean;
  readonly actor: string;
  readonly events: WriteEvents;
}
