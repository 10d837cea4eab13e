import type { NewEvent } from '../../audit/record-event.ts';
import type { Clock } from '../../core/clock.ts';
import type { NextId } from '../../core/ids.ts';
import type { SubjectKms } from '../../keys/subject-kms.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Load } from '../../vault/load.ts';
import type { Reader } from '../../vault/read.ts';
import type { Registry } from '../../vault/registry.ts';
import type { RowBuilder } from '../../vault/rows.ts';

/** The dependencies of reads, writes and erasures of personal data, for the control plane and for commands. */
export interface PrivacyDeps {
  readonly sql: Sql;
  readonly registry: Registry;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly subject_kms: SubjectKms;
}

/** The person or key that decides about a subject, and the audit event of the decision. */
export interface Decider {
  /** The id of an API key, or the user of the machine. */
  readonly decided_by: string;
  /**
   * The event of a decision.
   * @param subject the customer whose data it is about
   * @param after what was decided: no personal data
   */
  readonly event: (subject: string, after: object) => NewEvent;
}
