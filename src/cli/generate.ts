import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileFromFile } from 'json-schema-to-typescript';
import { PROJECT } from '../server/paths.ts';
import { settingsPage } from '../server/settings-text.ts';
import { generateDbtSources, generateEntityTable, generateRowTypes } from '../vault/generate.ts';
import { loadRegistry } from '../vault/registry.ts';

const CALL_RECORD = join(PROJECT.root, 'src', 'journal', 'call-record.schema.json');

const VAULT_README = join(PROJECT.dbt_project, 'README.md');

/** Every file that is made of schemas or tables of ours: its text by its path. */
export const generate = async (): Promise<ReadonlyMap<string, string>> => {
  const registry = loadRegistry(PROJECT.entities);
  const call_record = await compileFromFile(CALL_RECORD, {
    bannerComment: '// Generated from call-record.schema.json by `npm run generate`: never edit.',
    additionalProperties: false,
    style: { singleQuote: true, printWidth: 110 },
  });
  return new Map([
    [join(PROJECT.root, 'src', 'vault', 'rows.generated.ts'), await generateRowTypes(registry)],
    [join(PROJECT.root, 'src', 'journal', 'call-record.generated.ts'), call_record],
    [join(PROJECT.dbt_project, 'models', 'sources.yml'), generateDbtSources(registry)],
    [join(PROJECT.root, 'docs', 'reference', 'settings.md'), settingsPage()],
    [VAULT_README, generateEntityTable(registry, readFileSync(VAULT_README, 'utf8'))],
  ]);
};

/** `npm run generate`: writes these files. */
export const generateCommand = async (): Promise<void> => {
  for (const [path, text] of await generate()) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(path);
  }
};
