import type { VerifierKey } from '../audit/note.ts';
import type { CurrentSnapshot } from '../catalog/snapshot.ts';
import type { Clock } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';
import type { Keyring } from '../keys/contract.ts';
import type { SubjectKms } from '../keys/subject-kms.ts';
import type { Sql } from '../postgres/connect.ts';
import type { AuditTrail } from '../resources/access/audit-trail.ts';
import type { Load } from '../vault/load.ts';
import type { Reader } from '../vault/read.ts';
import type { Registry } from '../vault/registry.ts';
import type { RowBuilder } from '../vault/rows.ts';
import type { ProviderKeyCheck } from './provider-key-check.ts';

/** The dependencies of the control plane. */
export interface ControlDeps {
  readonly sql: Sql;
  readonly registry: Registry;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly audit: AuditTrail;
  /** The service that keeps the keys of personal data. */
  readonly subject_kms: SubjectKms;
  /** Seals customers' provider keys. It needs a connection of its own: never within a transaction. */
  readonly keyring: Keyring;
  readonly checkProviderKey: ProviderKeyCheck;
  /** The witnesses whose cosignatures of checkpoints are accepted. */
  readonly witnesses: readonly VerifierKey[];
  readonly snapshot: CurrentSnapshot;
  /** Resolves when the gateway in this process has the newest state of the vault. */
  readonly refreshSnapshot: () => Promise<void>;
}
