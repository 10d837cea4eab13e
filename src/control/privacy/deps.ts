import type { Clock } from '../../core/clock.ts';
import type { NextId } from '../../core/ids.ts';
import type { Sql } from '../../core/postgres.ts';
import type { Kms } from '../../core/secrets/kms.ts';
import type { NewEvent } from '../../vault/audit/record-event.ts';
import type { Load } from '../../vault/load.ts';
import type { Reader } from '../../vault/read.ts';
import type { RowBuilder } from '../../vault/rows.ts';

/** What keeps subjects' keys from being read without the product. */
export interface SubjectKms {
  readonly kms: Kms;
  /**
   * Wraps every key that is left under a newer master key and destroys those named, so that old copies of wrapped
   * keys (backups, the write-ahead log, dead rows) are worth nothing.
   * @returns null when that is done, or somebody else is about it, or another round may do it; else why it cannot be
   * done now
   */
  readonly destroyMasterKeys: (master_key_ids: readonly string[]) => Promise<string | null>;
  /**
   * Writes the table of subjects' keys anew without its dead rows: it holds a row a subject, so that takes a moment.
   * When somebody is at work in it they are only cleared, and nobody waits.
   */
  readonly dropDeadRows: () => Promise<void>;
}

/** What personal data is written, read and erased with, by the control plane and by commands. */
export interface PrivacyDeps {
  readonly sql: Sql;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly subject_kms: SubjectKms;
}

/** Who decides something about a subject, and how the audit log is told. */
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
