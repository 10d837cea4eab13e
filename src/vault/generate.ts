import { compile } from 'json-schema-to-typescript';
import type { Column, Entity } from './entity.ts';
import type { Registry } from './registry.ts';

const BANNER = `/* Generated from vault/entities by \`npm run generate\`: never edit. */\n`;
const KINDS = { hub: 'HubRows', link: 'LinkRows', satellite: 'SatelliteRows' } as const;

/** TypeScript source of `src/vault/rows.generated.ts`: one interface for each table, and maps from table to row. */
export const generateRowTypes = async (registry: Registry): Promise<string> => {
  const entities = [...registry.entities.values()];
  const interfaces: string[] = [];
  for (const entity of entities) {
    const source = await compile(entity.row_schema, typeNameOf(entity.table), {
      bannerComment: '',
      additionalProperties: false,
      style: { singleQuote: true, printWidth: 110 },
    });
    interfaces.push(source.trim());
  }
  const maps = Object.entries(KINDS).map(([kind, name]) => mapOf(name, entities, kind as Entity['kind']));
  const keys = entities.map((entity) => `  ${entity.table}: '${entity.hash_key}';`);
  const hash_keys = `/** The name of each table's hash key column. */\nexport interface HashKeys {\n${keys.join('\n')}\n}`;
  return `${[BANNER.trim(), ...interfaces, ...maps, hash_keys].join('\n\n')}\n`;
};

const mapOf = (name: string, entities: readonly Entity[], kind: Entity['kind']): string => {
  const lines = entities
    .filter((entity) => entity.kind === kind)
    .map((entity) => `  ${entity.table}: ${typeNameOf(entity.table)};`);
  return `/** The rows of each ${kind}. */\nexport interface ${name} {\n${lines.join('\n')}\n}`;
};

const typeNameOf = (table: string): string =>
  table
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** The dbt sources of the raw vault, for `vault/models/sources.yml`. */
export const generateDbtSources = (registry: Registry): string => {
  const by_schema = Map.groupBy(registry.entities.values(), (entity) => entity.schema);
  const lines = ['# Generated from vault/entities by `npm run generate`: never edit.', 'version: 2', 'sources:'];
  for (const [schema, entities] of [...by_schema].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`  - name: ${schema}`, `    schema: ${schema}`, '    tables:');
    for (const entity of entities) lines.push(...tableLines(registry, entity));
  }
  return `${lines.join('\n')}\n`;
};

const tableLines = (registry: Registry, entity: Entity): string[] => {
  const lines = sourceLines(entity.table, entity.description, entity.columns);
  if (entity.kind !== 'satellite') return lines;
  const is_effectivity = entity.flavour === 'effectivity';
  const current = is_effectivity ? 'Only the relations in force.' : 'The latest row of each key.';
  const history = is_effectivity
    ? 'One row for each time during which a relation held, until load_end_date.'
    : 'Runs of equal rows are one row; load_end_date is where the next one begins.';
  const columns = is_effectivity ? [...entity.columns, ...hubKeysOf(registry, entity.parent)] : entity.columns;
  return [
    ...lines,
    ...sourceLines(`${entity.table}_current`, `${entity.description} ${current}`, columns),
    ...sourceLines(`${entity.table}_history`, `${entity.description} ${history}`, columns),
  ];
};

const hubKeysOf = (registry: Registry, link: string): Column[] =>
  registry.link(link).columns.filter(({ role }) => role === 'hub_key');

const sourceLines = (name: string, description: string, columns: readonly Column[]): string[] => {
  const lines = [`      - name: ${name}`, `        description: ${quoted(description)}`, '        columns:'];
  for (const column of columns) {
    lines.push(`          - name: ${column.name}`, `            description: ${quoted(column.description)}`);
  }
  return lines;
};

// A JSON string is a YAML string.
const quoted = (text: string): string => JSON.stringify(text);

const TABLE_HEAD = '| table | contents |\n|---|---|\n';

/**
 * The vault's README with a new table of tables.
 * @throws RangeError if it has no such table
 */
export const generateEntityTable = (registry: Registry, readme: string): string => {
  const [before, after] = readme.split(TABLE_HEAD);
  if (before === undefined || after === undefined) throw new RangeError('the README has no table of the vault');
  const rows = [...registry.entities.values()].map(({ name, description }) => `| \`${name}\` | ${description} |\n`);
  return `${before}${TABLE_HEAD}${rows.join('')}${after.replace(/^(\|.*\n)*/, '')}`;
};
