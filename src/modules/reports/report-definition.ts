import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../core/input-error.ts';

/** A report as its folder defines it: report.json, calls.sql, sources.sql, and an .sql and .schema.json a section. */
export interface ReportDefinition {
  readonly name: string;
  readonly title: string;
  readonly regulation: string;
  readonly articles: readonly string[];
  readonly purpose: string;
  readonly retention_class: string;
  readonly sections: readonly Section[];
  /** Sources of the report: one row a source table, with `row_count` and `control_sum`. */
  readonly sources_sql: string;
  /** The customers whose calls it shows: `customer`, one slug a row. */
  readonly customers_sql: string;
  /** SHA-256 of all SQL of the document, hex. */
  readonly sql_sha256: string;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  /** Reads the calls of the period as `calls`; its rows are in a total order. */
  readonly sql: string;
  readonly columns: readonly SectionColumn[];
}

export interface SectionColumn {
  readonly name: string;
  readonly description: string;
  readonly is_number: boolean;
}

interface ReportJson
  extends Omit<ReportDefinition, 'name' | 'sections' | 'sources_sql' | 'customers_sql' | 'sql_sha256'> {
  readonly sections: readonly { readonly name: string; readonly title: string }[];
}

interface SchemaJson {
  readonly properties: Readonly<Record<string, { readonly type: string | string[]; readonly description: string }>>;
}

/**
 * Reads a report's folder.
 * @throws InputError that lists the existing reports, if none has this name
 */
export const readReport = (reports_dir: string, name: string): ReportDefinition => {
  const names = readdirSync(reports_dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(reports_dir, entry.name, 'report.json')))
    .map((entry) => entry.name)
    .toSorted();
  if (!names.includes(name)) throw new InputError(`there is no report "${name}"; there are: ${names.join(', ')}`);
  const text = (file: string): string => readFileSync(join(reports_dir, name, file), 'utf8');
  const report = JSON.parse(text('report.json')) as ReportJson;
  const calls = text('calls.sql').trim();
  const overCalls = (sql: string): string => `with calls as (\n${calls}\n)\n${sql}`;
  const over = (file: string): string => overCalls(text(file).trim());
  const customers_sql = overCalls("select distinct customer from calls where customer <> 'unknown'");
  const sections = report.sections.map((section) => ({
    ...section,
    sql: over(`${section.name}.sql`),
    columns: columnsOf(JSON.parse(text(`${section.name}.schema.json`)) as SchemaJson),
  }));
  const sources_sql = over('sources.sql');
  const hash = createHash('sha256');
  for (const sql of [sources_sql, ...sections.map((section) => section.sql)]) hash.update(`${sql}\n;\n`);
  return { ...report, name, sections, sources_sql, customers_sql, sql_sha256: hash.digest('hex') };
};

const columnsOf = ({ properties }: SchemaJson): SectionColumn[] =>
  Object.entries(properties).map(([name, { type, description }]) => ({
    name,
    description,
    is_number: [type].flat().includes('integer'),
  }));
