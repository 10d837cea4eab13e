import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFromFile } from 'json-schema-to-typescript';
import { PROJECT } from '../server/paths.ts';
import { generateDbtSources, generateEntityTable, generateRowTypes } from '../vault/generate.ts';
import { loadRegistry } from '../vault/registry.ts';

const CALL_RECORD = join(PROJECT.root, 'src', 'journal', 'call-record.schema.json');

const VAULT_README = join(PROJECT.dbt_project, 'README.md');

/** What is made of the schemas: by path, the text that belongs there. */
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
    [VAULT_README, generateEntityTable(registry, readFileSync(VAULT_README, 'utf8'))],
  ]);
};

/** `npm run generate`: writes the files that are made of the schemas. */
export const generateCommand = async (): Promise<void> => {
  for (const [path, text] of await generate()) {
    writeFileSync(path, text);
    console.log(path);
  }
};
