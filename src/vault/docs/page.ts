import { hash } from 'node:crypto';
import { escapeHtml } from '../../core/html.ts';
import { type ColumnEntry, describeVault, type EntityEntry } from '../dictionary.ts';
import type { Registry } from '../registry.ts';
import { diagram } from './diagram.ts';
import { SCRIPT, STYLE } from './style.ts';

/** The data dictionary as one HTML page without external resources: the diagram, and every table with its columns. */
export const vaultPage = async (registry: Registry): Promise<string> => {
  const entries = describeVault(registry);
  const schemas = Map.groupBy(entries, ({ schema }) => schema);
  const kind_of = new Map(entries.map(({ table, kind }) => [table, kind]));
  const script_hash = hash('sha256', SCRIPT, 'base64');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${script_hash}'">
<title>The vault: data dictionary</title>
<style>${STYLE}</style>
</head>
<body>
<nav>
<h1><a href="#top">OneVault: the vault</a></h1>
<input id="search" type="search" placeholder="Find a table or column ( / )" aria-label="Find a table or column">
<div class="lists">
${[...schemas].map(([schema, of_schema]) => navGroup(schema, of_schema)).join('\n')}
</div>
</nav>
<main id="top">
<header class="top">
<h1>Data dictionary of the vault</h1>
<p>Hubs hold business keys, links relate them, satellites hold their states over time. Rows are only ever added. Made from the schemas in <code>vault/entities</code>.</p>
${counts(entries)}
</header>
<figure>
${await diagram(entries)}
</figure>
<p id="nothing" class="none">No table or column goes by that name.</p>
${[...schemas].map(([schema, of_schema]) => schemaSection(schema, of_schema, kind_of)).join('\n')}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
};

type KindOf = ReadonlyMap<string, EntityEntry['kind']>;

const counts = (entries: readonly EntityEntry[]): string => {
  const items = (['hub', 'link', 'satellite'] as const).map((kind) => {
    const count = entries.filter((entry) => entry.kind === kind).length;
    return `<li class="${kind}"><span><b>${count}</b> ${kind}${count === 1 ? '' : 's'}</span></li>`;
  });
  const columns = entries.reduce((sum, entry) => sum + entry.columns.length, 0);
  return `<ul class="counts">${items.join('')}<li><span><b>${columns}</b> columns</span></li></ul>`;
};

const navGroup = (schema: string, entries: readonly EntityEntry[]): string =>
  `<div data-group><h2>${schema}</h2>\n${entries
    .map(
      (entry) =>
        `<a href="#${entry.table}" class="${entry.kind}" data-text="${escapeHtml(searchText(entry))}">${entry.table}</a>`,
    )
    .join('\n')}</div>`;

const schemaSection = (schema: string, entries: readonly EntityEntry[], kind_of: KindOf): string =>
  `<section class="schema" data-group><h2>${schema}</h2>\n${entries
    .map((entry) => tableArticle(entry, kind_of))
    .join('\n')}\n</section>`;

const searchText = ({ table, schema, title, columns }: EntityEntry): string =>
  [schema, table, title, ...columns.map(({ name }) => name)].join(' ').toLowerCase();

const tableArticle = (entry: EntityEntry, kind_of: KindOf): string => `
<article id="${entry.table}" class="${entry.kind}" data-text="${escapeHtml(searchText(entry))}">
<header>
<h3>${escapeHtml(entry.title)} <code>${entry.schema}.${entry.table}</code> <span class="badge">${kindText(entry)}</span>${entry.kind === 'satellite' ? ` <span class="badge quiet">${entry.privacy}</span>` : ''}</h3>
<p>${prose(entry.description)}</p>
<dl>${factsOf(entry, kind_of)
  .map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`)
  .join('')}</dl>
</header>
<div class="scroll"><table>
<thead><tr><th>Column</th><th>Type</th><th>Key</th><th>Meaning and unit</th></tr></thead>
<tbody>
${entry.columns.map((column) => columnRow(column, entry)).join('\n')}
</tbody>
</table></div>
</article>`;

const kindText = ({ kind, flavour }: EntityEntry): string => (flavour === undefined ? kind : `${flavour} ${kind}`);

const factsOf = (entry: EntityEntry, kind_of: KindOf): [string, string][] => {
  const facts: [string, string][] = [];
  const links = (tables: readonly string[]): string =>
    tables.map((table) => `<a href="#${table}" class="${kind_of.get(table)}"><code>${table}</code></a>`).join(' ');
  if (entry.parent !== undefined) facts.push(['describes', links([entry.parent])]);
  if (entry.hubs !== undefined) facts.push(['relates', links(entry.hubs)]);
  if (entry.business_key !== undefined) facts.push(['business key', codes(entry.business_key)]);
  if (entry.dependent_key != null) facts.push(['dependent key', codes([entry.dependent_key])]);
  if (entry.satellites !== undefined && entry.satellites.length > 0)
    facts.push(['satellites', links(entry.satellites)]);
  if (entry.sub_key !== undefined && entry.sub_key.length > 0)
    facts.push(['rows of a set differ in', codes(entry.sub_key)]);
  if (entry.driving_key !== undefined && entry.driving_key.length > 0)
    facts.push(['one partner at a time for', codes(entry.driving_key)]);
  facts.push(['belongs to', OWNERS[entry.owner]], ['primary key', codes(entry.primary_key)]);
  if (entry.partition !== null) facts.push(['partitions', `${entry.partition}, by <code>load_date</code> (UTC)`]);
  if (entry.retention !== null)
    facts.push(['retention', `class ${codes([entry.retention])}: destroyed by the day, with a certificate`]);
  return facts;
};

const OWNERS: Readonly<Record<EntityEntry['owner'], string>> = {
  customer: 'a customer',
  person: 'a person: erasing makes it unreadable',
  platform: 'the platform',
};

const codes = (names: readonly string[]): string => names.map((name) => `<code>${name}</code>`).join(' ');

const columnRow = (column: ColumnEntry, { privacy }: EntityEntry): string => {
  const differs = column.role === 'payload' && column.privacy !== privacy;
  const mark = differs
    ? ` <span class="badge ${column.privacy === 'secret' ? 'secret' : 'quiet'}">${column.privacy}</span>`
    : '';
  const type = `${column.postgres_type.replace('timestamp with time zone', 'timestamptz')}${column.is_nullable ? ', null' : ''}`;
  const keys = [ROLES[column.role], column.is_in_primary_key ? 'primary' : ''].filter((key) => key !== '');
  return `<tr class="${column.role}"><td><code>${column.name}</code>${mark}</td><td><code>${type}</code></td><td>${keys.join(', ')}</td><td>${prose(column.description)}</td></tr>`;
};

const ROLES: Readonly<Record<ColumnEntry['role'], string>> = {
  hash_key: 'hash key',
  hub_key: 'hub',
  business_key: 'business key',
  dependent_key: 'dependent key',
  payload: '',
  standard: '',
};

/** Text in which backquotes mark code. */
const prose = (text: string): string => escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
