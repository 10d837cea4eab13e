import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Paths of the product's own files. */
export const PROJECT = {
  root,
  entities: join(root, 'vault', 'entities'),
  dbt_project: join(root, 'vault'),
  reports: join(root, 'reports'),
} as const;

/** Paths in a data directory. */
export const dataPaths = (data_dir: string) => ({
  postgres: join(data_dir, 'postgres'),
  journal: join(data_dir, 'journal'),
  invoices: join(data_dir, 'invoices'),
  checkpoints: join(data_dir, 'checkpoints'),
  /** Exists while the audit log is not sealed, with the reason. */
  sealing_stopped: join(data_dir, 'sealing-stopped.txt'),
  master_keys: join(data_dir, 'master-keys.json'),
  /** Connection data of a running product: its database and its process. */
  runtime: join(data_dir, 'runtime.json'),
  demo: join(data_dir, 'demo.json'),
});

export const readVersion = (): string => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return version;
};
