import type { Kms } from './kms.ts';

/** Key management of subjects' keys, without which these keys cannot be read. */
export interface SubjectKms {
  readonly kms: Kms;
  /**
   * Wraps every remaining key under a newer master key and destroys the named ones, so that old copies of wrapped keys
   * (backups, the write-ahead log, dead rows) are useless.
   * @returns null if that is done, or another process or a later round does it; else the reason why not
   */
  readonly destroyMasterKeys: (master_key_ids: readonly string[]) => Promise<string | null>;
  /**
   * Rewrites the table of subjects' keys without its dead rows. This is fast, because the table has one row a subject.
   * While the table is in use the dead rows are only cleared, so that nobody waits.
   */
  readonly dropDeadRows: () => Promise<void>;
}
