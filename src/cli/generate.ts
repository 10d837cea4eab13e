import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileFromFile } from 'json-schema-to-typescript';
import { PRICE_SATELLITES, withPriceColumns } from '../pricing/price-schemas.ts';
import { apiContracts } from '../server/api-contracts.ts';
import { listMetrics } from '../server/list-metrics.ts';
import { PROJECT } from '../server/paths.ts';
import { settingsPage } from '../server/settings-text.ts';
import { generateDbtSources, generateEntityTable, generateRowTypes } from '../vault/generate.ts';
import { loadRegistry } from '../vault/registry.ts';
import { createProgram } from './program.ts';
import { apiPage } from './reference/api-page.ts';
import { cliPage } from './reference/cli-page.ts';
import { errorsPage } from './reference/errors-page.ts';
import { metricsPage } from './reference/metrics-page.ts';
import { tablesPage } from './reference/tables-page.ts';

const CALL_RECORD = join(PROJECT.root, 'src', 'journal', 'call-record.schema.json');

const referencePage = (name: string): string => join(PROJECT.root, 'docs', 'reference', `${name}.md`);

const VAULT_README = join(PROJECT.dbt_project, 'README.md');

const satellitePath = (table: string): string => join(PROJECT.entities, 'satellites', `${table}.schema.json`);

/** The schemas of prices, with columns from the table of units: their texts by path. */
export const generatePriceSchemas = (): ReadonlyMap<string, string> =>
  new Map(
    Object.keys(PRICE_SATELLITES).map((table) => {
      const path = satellitePath(table);
      return [path, withPriceColumns(table, readFileSync(path, 'utf8'))];
    }),
  );

/** Every file generated from schemas or tables: its text by path. */
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
    [referencePage('api'), apiPage(apiContracts(registry))],
    [referencePage('cli'), cliPage(createProgram())],
    [referencePage('errors'), errorsPage()],
    [referencePage('metrics'), metricsPage(listMetrics())],
    [referencePage('settings'), settingsPage()],
    [referencePage('tables'), tablesPage(registry)],
    [VAULT_README, generateEntityTable(registry, readFileSync(VAULT_README, 'utf8'))],
  ]);
};

/** `npm run generate`: writes these files, the inputs of others first. */
export const generateCommand = async (): Promise<void> => {
  write(generatePriceSchemas());
  write(await generate());
};

const write = (files: ReadonlyMap<string, string>): void => {
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(path);
  }
};
