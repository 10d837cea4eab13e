import { evidenceLines } from './evidence-lines.ts';
import type { Renderer } from './renderer.ts';

/**
 * RFC 4180 with CR LF. The evidence and each section's title come before the rows as records of one field that
 * begins with `#`; each section has a header record. A field that a spreadsheet could take for a formula gets a
 * leading apostrophe (OWASP, "CSV Injection").
 */
export const csvRenderer: Renderer = {
  begin: (evidence) =>
    evidenceLines(evidence)
      .map(([name, value]) => comment(`${name}: ${value}`))
      .join(''),
  beginSection: ({ name, title, columns }) =>
    `${comment(`section ${name}: ${title}`)}${record(columns.map((column) => column.name))}`,
  rows: ({ columns }, rows) => rows.map((row) => record(columns.map(({ name }) => row[name]))).join(''),
  endSection: ({ name }, row_count) => comment(`section ${name}: ${row_count} rows`),
  end: () => '',
};

const record = (values: readonly unknown[]): string => `${values.map(field).join(',')}\r\n`;

const comment = (text: string): string => `"# ${text.replaceAll('"', '""').replace(/[\r\n]+/g, ' ')}"\r\n`;

const FORMULA = /^[\s\u200b\ufeff]*[=+\-@\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]/;

const field = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']|^\s|\s$|^#/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
