import type { Kms } from './kms.ts';

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
