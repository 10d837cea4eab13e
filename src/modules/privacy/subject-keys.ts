import { randomBytes } from 'node:crypto';
import { instantOf } from '../../core/clock.ts';
import { KEY_BYTES } from '../../keys/aead.ts';
import { holdMasterKeys, unwrapStored } from '../../keys/data-keys.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { PrivacyDeps } from './deps.ts';

/** The table of wrapped subjects' keys: the only table whose rows are deleted. */
const SUBJECT_KEY_TABLE = 'privacy.subject_key';

export interface SubjectKey {
  readonly subject_key_id: string;
  /** 32 bytes. Its user overwrites it after use and never keeps it, so that no process has to forget it. */
  readonly key: Buffer;
}

type KeyDeps = Pick<PrivacyDeps, 'clock' | 'nextId' | 'subject_kms'>;

/**
 * The subject's key; creates a missing one. The caller holds the subject's lock.
 * @throws KmsError, UnknownMasterKeyError, UnwrapError
 */
export const takeSubjectKey = async (deps: KeyDeps, tx: Transaction, customer_hk: string): Promise<SubjectKey> => {
  await holdMasterKeys(tx);
  const [living] = await tx<{ subject_key_id: string }[]>`
    select subject_key_id
    from privacy.subject_key
    where customer_hk = ${customer_hk}::bytea`;
  const found = living && (await findSubjectKey(deps, tx, living.subject_key_id));
  return found ?? makeSubjectKey(deps, tx, customer_hk);
};

/**
 * A key by its id; null when it was destroyed.
 * @throws KmsError, UnknownMasterKeyError, UnwrapError
 */
export const findSubjectKey = async (
  { subject_kms }: Pick<KeyDeps, 'subject_kms'>,
  sql: Sql | Transaction,
  subject_key_id: string,
): Promise<SubjectKey | null> => {
  const place = { table: SUBJECT_KEY_TABLE, key_id: subject_key_id };
  const key = await unwrapStored(subject_kms.kms, place, async () => {
    const [row] = await sql<{ wrapped_key: string; master_key_id: string }[]>`
      select wrapped_key, master_key_id
      from privacy.subject_key
      where subject_key_id = ${subject_key_id}`;
    return row === undefined
      ? null
      : { wrapped_key: Buffer.from(row.wrapped_key, 'hex'), master_key_id: row.master_key_id };
  });
  return key === null ? null : { subject_key_id, key };
};

const makeSubjectKey = async (
  { clock, nextId, subject_kms }: KeyDeps,
  tx: Transaction,
  customer_hk: string,
): Promise<SubjectKey> => {
  const subject_key_id = nextId();
  const key = randomBytes(KEY_BYTES);
  const { wrapped_key, master_key_id } = await subject_kms.kms.wrap(key, {
    table: SUBJECT_KEY_TABLE,
    key_id: subject_key_id,
  });
  const at = instantOf(clock.now());
  await tx`
    insert into privacy.subject_key (
      subject_key_id, customer_hk, wrapped_key, master_key_id, created_at, wrapped_at)
    values (${subject_key_id}, ${customer_hk}::bytea, ${wrapped_key}, ${master_key_id}, ${at}, ${at})`;
  return { subject_key_id, key };
};
