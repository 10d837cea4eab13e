import { describeVault, type EntityEntry } from '../../vault/dictionary.ts';
import type { Registry } from '../../vault/registry.ts';
import { code, pageHead, table } from './markdown.ts';

const INTRO = `Every table of the vault with its columns. [The data model](../../vault/README.md) explains kinds, keys and times.
\`GET /v1/vault/entities\` gives the same as JSON, and \`onevault vault docs --out FOLDER\` as a page with a diagram.`;

/** docs/reference/tables.md */
export const tablesPage = (registry: Registry): string =>
  `${pageHead('vault/entities', 'Tables', INTRO)}${describeVault(registry).map(entityText).join('')}`;

const entityText = (entity: EntityEntry): string =>
  `\n## ${entity.schema}.${entity.table}\n\n${entity.description}\n\n${factsOf(entity)}\n\n${columnTable(entity)}`;

const factsOf = ({ kind, flavour, parent, hubs, owner, privacy, partition, retention }: EntityEntry): string =>
  [
    `${flavour === undefined ? '' : `${flavour} `}${kind}`,
    parent === undefined ? '' : `of ${code(parent)}`,
    hubs === undefined ? '' : `relates ${hubs.map(code).join(', ')}`,
    `owner: ${owner}`,
    `privacy: ${privacy}`,
    partition === null ? '' : `partitioned ${partition}`,
    retention === null ? '' : `retention class: ${retention}`,
  ]
    .filter((fact) => fact !== '')
    .join(' · ');

const columnTable = ({ columns }: EntityEntry): string =>
  table(
    ['column', 'type', 'key', 'meaning'],
    columns.map((column) => [
      code(column.name),
      `${column.postgres_type}${column.is_nullable ? ', null' : ''}`,
      column.is_in_primary_key ? 'primary' : '',
      column.description,
    ]),
  );
