import { canonicalJson } from '../../core/canonical-json.ts';
import type { ValueOf } from '../../http/contract-types.ts';
import { openWith, sealWith } from '../../keys/sealed.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Content, SatelliteRows } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { PrivacyDeps } from './deps.ts';
import type { CONTACT } from './schemas.ts';
import { findSubjectKey, type SubjectKey } from './subject-keys.ts';

/** The personal data of a customer. */
export type Contact = ValueOf<typeof CONTACT>;

/** The value that replaces erased personal data; always the same. */
export const TOMBSTONE = Object.freeze({ erased: true });

/** The contact of a customer from one instant on. */
export interface ContactState {
  readonly applied_date: string;
  readonly load_date: string;
  /** The instant when the next state replaced it; null while it holds. */
  readonly load_end_date: string | null;
  readonly contact: Contact | typeof TOMBSTONE;
  /** The erasure that destroyed its key; null while it can be read. */
  readonly erasure_id: string | null;
}

// Ciphertexts of most contacts have the same length, so that the length reveals little.
const BLOCK_BYTES = 512;

const contextOf = (customer_hk: string, slug: string) => ({
  table: 'gateway.customer_pii_s',
  column: 'pii_encrypted',
  tenant: slug,
  row: customer_hk,
});

/** The payload of customer_pii_s for a contact. It differs each time, because of the nonce. */
export const sealContact = (
  { subject_key_id, key }: SubjectKey,
  customer: { readonly customer_hk: string; readonly slug: string },
  contact: Contact,
): Content<'customer_pii_s'> => {
  const text = canonicalJson(contact, 'contact');
  const bytes = Buffer.byteLength(text);
  const plaintext = Buffer.alloc(Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES, ' ');
  plaintext.write(text);
  try {
    const sealed = sealWith(key, subject_key_id, plaintext, contextOf(customer.customer_hk, customer.slug));
    return { pii_encrypted: sealed.toString('hex'), subject_key_id, encryption_algorithm: 'AES-256-GCM' };
  } finally {
    plaintext.fill(0);
  }
};

type Row = SatelliteRows['customer_pii_s'];

/**
 * Every state of a customer's contact, oldest first, decrypted; a tombstone where the key was destroyed.
 * @throws UnsealError when bytes were changed or moved; Error if a key is missing without an erasure
 */
export const readContactStates = async (
  deps: Pick<PrivacyDeps, 'reader' | 'rows' | 'subject_kms'>,
  sql: Sql | Transaction,
  slug: string,
): Promise<ContactState[]> => {
  const { reader, rows, subject_kms } = deps;
  const customer_hk = rows.hubKey('customer_h', { customer_bk: slug });
  const states = await reader.history(sql as Sql, 'customer_pii_s', customer_hk);
  const ids = [...new Set(states.map((state) => state.subject_key_id))];
  const keys = new Map<string, SubjectKey | null>();
  try {
    for (const id of ids) keys.set(id, await findSubjectKey({ subject_kms }, sql, id));
    // After the keys, so that an erasure in between is found.
    const erasures = await findErasures(sql, ids);
    return states.map((state) => {
      const { applied_date, load_date, load_end_date, subject_key_id } = state;
      const key = keys.get(subject_key_id) ?? null;
      const erasure_id = key === null ? (erasures.get(subject_key_id) ?? null) : null;
      if (key === null && erasure_id === null) {
        throw new Error(`the key ${subject_key_id} of the subject ${slug} is gone, and no erasure explains why`);
      }
      const contact = key === null ? TOMBSTONE : openContact(key, customer_hk, slug, state);
      return { applied_date, load_date, load_end_date, contact, erasure_id };
    });
  } finally {
    for (const each of keys.values()) each?.key.fill(0);
  }
};

const openContact = ({ key }: SubjectKey, customer_hk: string, slug: string, row: Row): Contact => {
  const sealed = Buffer.from(row.pii_encrypted, 'hex');
  const plaintext = openWith(key, sealed, contextOf(customer_hk, slug));
  try {
    return JSON.parse(plaintext.toString()) as Contact;
  } finally {
    plaintext.fill(0);
  }
};

const findErasures = async (
  sql: Sql | Transaction,
  subject_key_ids: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  const rows = await sql<{ subject_key_id: string; erasure_id: string }[]>`
    select s.subject_key_id, h.erasure_bk as erasure_id
    from privacy.erasure_s s
    join privacy.erasure_h h using (erasure_hk)
    where s.subject_key_id = any(${[...subject_key_ids]}::uuid[])`;
  return new Map(rows.map((row) => [row.subject_key_id, row.erasure_id]));
};
