import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A dbt project in a new folder: `files` and a minimal dbt_project.yml. */
export const writeProject = (files: Readonly<Record<string, string>>): { dir: string; remove: () => void } => {
  const dir = mkdtempSync(join(tmpdir(), 'dbt-project-'));
  for (const [path, content] of Object.entries({
    'dbt_project.yml': 'name: small\nversion: "1"\n',
    ...files,
  })) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return { dir, remove: () => rmSync(dir, { recursive: true }) };
};
