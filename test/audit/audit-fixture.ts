import { generateKeyPairSync, type KeyObject, randomBytes, randomInt, sign } from 'node:crypto';
import { cosignedMessage } from '../../src/audit/cosignature.ts';
import { COSIGNATURE_V1, formatSignature, keyIdOf, type VerifierKey } from '../../src/audit/note.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Keyring } from '../../src/keys/contract.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { keyringOf } from '../support/keyring.ts';
import { hashLeaf } from '../support/merkle-proofs.ts';

/** A real keyring on the database, with its own master key. */
export const testKeyring = (sql: Sql, clock: Clock, master_key: Buffer = randomBytes(32)): Keyring =>
  keyringOf(sql, createFileKms({ path: '/nonexistent', given_keys: [master_key], clock }), { clock });

/** A witness that cosigns checkpoints. */
export interface Witness extends VerifierKey {
  readonly private_key: KeyObject;
}

export const makeWitness = (name: string): Witness => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const public_key = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const key_id = keyIdOf(name, COSIGNATURE_V1, public_key);
  return { name, public_key, key_id, kind: COSIGNATURE_V1, private_key: privateKey };
};

/** The line that a witness adds to a checkpoint's note. */
export const cosign = (text: string, { name, key_id, private_key }: Witness, time_s: number): string => {
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time_s));
  return formatSignature(name, key_id, Buffer.concat([stamp, sign(null, cosignedMessage(text, time_s), private_key)]));
};

/** Queues a batch of unique leaves. @returns their hashes, in order */
export const queueLeaves = async (sql: Sql, count: number): Promise<Buffer[]> => {
  const seed = randomBytes(8).toString('hex');
  const hashes = Array.from({ length: count }, (_, place) => hashLeaf(Buffer.from(`${seed} ${place}`)));
  // Real change ids start at 1, so these ids never conflict.
  await sql`
    insert into audit.leaf_batch (change_id, leaf_count, leaf_hashes, queued_at)
    values (${-randomInt(2 ** 47)}, ${count}, ${Buffer.concat(hashes)}, now())`;
  return hashes;
};

/** The hashes of all leaves in the order of the tree, read straight from the tables. */
export const readAllLeaves = async (sql: Sql): Promise<Buffer[]> => {
  const rows = await sql<{ leaf_hashes: string }[]>`
    select encode(leaf_hashes, 'hex') as leaf_hashes
    from audit.sequenced
    join audit.leaf_batch using (leaf_batch_id)
    order by first_index`;
  return rows.flatMap(({ leaf_hashes }) => (leaf_hashes.match(/.{64}/g) ?? []).map((hex) => Buffer.from(hex, 'hex')));
};
