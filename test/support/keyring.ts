import { instantOf, systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { createDataKeyStore } from '../../src/keys/data-keys.ts';
import { type ClosableKeyring, createKeyring, type KeyringDeps } from '../../src/keys/keyring.ts';
import type { Kms } from '../../src/keys/kms.ts';
import type { Sql } from '../../src/postgres/connect.ts';

/** The keyring of one process on a database, by the system's clock unless another is given. */
export const keyringOf = (sql: Sql, kms: Kms, more: Partial<KeyringDeps> = {}): ClosableKeyring => {
  const clock = more.clock ?? systemClock;
  return createKeyring({
    kms,
    clock,
    nextId: createIds(clock),
    store: createDataKeyStore(sql, () => instantOf(clock.now())),
    ...more,
  });
};
