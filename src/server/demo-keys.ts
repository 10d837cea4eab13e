import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { connect } from '../postgres/connect.ts';
import { loadRegistry } from '../vault/registry.ts';
import { createFirstKeys, type FirstKeys } from './first-start.ts';
import { PROJECT } from './paths.ts';
import { createVaultAccess } from './vault-access.ts';

/** Content of demo.json: the product's address, and keys for a trial. */
export interface Demo extends FirstKeys {
  readonly url: string;
}

/** The keys of the first start: from demo.json, or new ones. */
export const readOrCreateKeys = async (path: string, database_url: string): Promise<FirstKeys> => {
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Demo;
  const registry = loadRegistry(PROJECT.entities);
  const sql = connect(database_url, { max_connections: 1 });
  try {
    const vault = createVaultAccess({ sql, clock: systemClock, registry });
    return await createFirstKeys({ ...vault, refreshSnapshot: async () => {} });
  } finally {
    await sql.end({ timeout: 1 });
  }
};

/** Writes a file that only its owner can read, completely or not at all. */
export const writePrivate = (path: string, value: object): void => {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
};
