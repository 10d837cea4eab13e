import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Clock, instantOf } from '../core/clock.ts';
import type { Keyring, SealContext } from '../keys/contract.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import { latestCheckpoint } from './checkpoints.ts';
import { lockLog, readOrigin } from './current-log.ts';
import { ED25519, formatNote, formatVerifierKey, keyIdOf, parseNote, signNote } from './note.ts';

/** Dependencies of signing checkpoints. */
export interface Signer {
  /** The log's origin. */
  readonly name: string;
  readonly key_id: string;
  readonly private_key: KeyObject;
}

export interface SigningDeps {
  /** Must not need the connection of the transaction that it is used in. */
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/**
 * The key that signs for an origin now, made on first use. Under the log's lock.
 * @throws UnsealError when the key cannot be opened
 */
export const currentSigner = async (tx: Transaction, deps: SigningDeps, origin: string): Promise<Signer> =>
  (await readSigner(tx, deps, origin)) ?? (await createSigner(tx, deps, origin));

const readSigner = async (tx: Transaction, { keyring }: SigningDeps, origin: string): Promise<Signer | null> => {
  const [row] = await tx<{ key_id: string; sealed: string }[]>`
    select key_id, encode(sealed_private_key, 'hex') as sealed
    from audit.signing_key
    where name = ${origin}
      and key_id not in (select key_id from audit.signing_key_retirement)
    order by key_number desc
    limit 1`;
  if (row === undefined) return null;
  const opened = await keyring.open(Buffer.from(row.sealed, 'hex'), contextOf(row.key_id));
  const private_key = createPrivateKey({ key: opened, format: 'der', type: 'pkcs8' });
  opened.fill(0);
  return { name: origin, key_id: row.key_id, private_key };
};

const createSigner = async (tx: Transaction, { keyring, clock }: SigningDeps, origin: string): Promise<Signer> => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const public_key = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const key_id = keyIdOf(origin, ED25519, public_key);
  const plain = privateKey.export({ format: 'der', type: 'pkcs8' });
  const sealed_private_key = await keyring.seal(plain, contextOf(key_id));
  plain.fill(0);
  await tx`
    insert into audit.signing_key (key_id, name, public_key, verifier_key, sealed_private_key, created_at)
    values (
      ${key_id},
      ${origin},
      ${public_key},
      ${formatVerifierKey({ name: origin, key_id, kind: ED25519, public_key })},
      ${sealed_private_key},
      ${instantOf(clock.now())})`;
  return { name: origin, key_id, private_key: privateKey };
};

const contextOf = (key_id: string): SealContext => ({
  table: 'audit.signing_key',
  tenant: null,
  row: key_id,
  column: 'sealed_private_key',
});

export interface KeyRotation {
  /** The key that signed until now; null when there was none. */
  readonly retired_key_id: string | null;
  readonly key_id: string;
}

/**
 * Retires the signing key and makes another. The newest checkpoint is signed by the new key beside the old one, so
 * that holders of the old key can follow; it states nothing new about the tree.
 * @throws RangeError before the log's first checkpoint
 */
export const rotateSigningKey = async (sql: Sql, deps: SigningDeps): Promise<KeyRotation> =>
  (await sql.begin(async (tx) => {
    await lockLog(tx);
    const origin = await readOrigin(tx);
    const last = await latestCheckpoint(tx);
    if (origin === null || last === null) {
      throw new RangeError('the audit log has signed nothing yet: there is no key to rotate');
    }
    const now = instantOf(deps.clock.now());
    const old = await readSigner(tx, deps, origin);
    if (old !== null) {
      await tx`
        insert into audit.signing_key_retirement (key_id, retired_at, first_size_of_next)
        values (${old.key_id}, ${now}, ${last.tree_size})`;
    }
    const signer = await createSigner(tx, deps, origin);
    const { text, signatures } = parseNote(last.note);
    const own = signatures.filter(({ key_id, name }) => name === origin && key_id === last.key_id);
    const note = formatNote(text, [...own.map(({ line }) => line), signNote(text, signer)]);
    await tx`
      insert into audit.checkpoint (tree_size, key_id, root_hash, note, checkpoint_at)
      values (${last.tree_size}, ${signer.key_id}, ${last.root_hash}, ${note}, ${now})`;
    return { retired_key_id: old?.key_id ?? null, key_id: signer.key_id };
  })) as KeyRotation;
