import { randomBytes } from 'node:crypto';
import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { KEY_BYTES } from './aead.ts';
import type { Keyring, SealContext } from './contract.ts';

export interface InstallationSecretDeps {
  readonly sql: Sql;
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/** A secret that all processes of an installation share. */
export interface InstallationSecret {
  /**
   * The secret's 32 bytes. The first use creates it; later uses take it from memory.
   * @throws what the database or the keyring throws; the next use tries again
   */
  get(): Promise<Buffer>;
  /** Takes the secret into memory if it exists, so that later uses need no database. */
  warm(): Promise<void>;
  /** Overwrites the secret in memory. */
  close(): void;
}

const TABLE = 'privacy.installation_secret';

/** Opens a secret by its name. It is stored sealed. */
export const createInstallationSecret = (deps: InstallationSecretDeps, name: string): InstallationSecret => {
  const { sql, keyring, clock } = deps;
  const context: SealContext = { table: TABLE, tenant: null, row: name };
  let known: Buffer | null = null;
  let opening: Promise<Buffer> | null = null;

  const find = async (): Promise<Buffer | null> => {
    const [row] = await sql<{ sealed_secret: string }[]>`
      select sealed_secret
      from privacy.installation_secret
      where secret_name = ${name}`;
    return row === undefined ? null : keyring.open(Buffer.from(row.sealed_secret, 'hex'), context);
  };
  const create = async (): Promise<void> => {
    const secret = randomBytes(KEY_BYTES);
    const sealed = await keyring.seal(secret, context);
    secret.fill(0);
    // Another process may have been faster: its secret holds for both.
    await sql`
      insert into privacy.installation_secret (secret_name, sealed_secret, created_at)
      values (${name}, ${sealed}, ${instantOf(clock.now())})
      on conflict do nothing`;
  };
  const open = async (): Promise<Buffer> => {
    let secret = await find();
    if (secret === null) {
      await create();
      secret = await find();
    }
    if (secret === null) throw new Error(`the secret ${name} was not stored`);
    known = secret;
    return secret;
  };
  return {
    get: async () => {
      if (known !== null) return known;
      opening ??= open().finally(() => {
        opening = null;
      });
      return opening;
    },
    warm: async () => {
      known = await find();
    },
    close: () => {
      known?.fill(0);
      known = null;
    },
  };
};
