import { escapeHtml } from '../../core/html.ts';
import type { SectionHead } from './export-sections.ts';

export interface ExportHead {
  readonly subject: string;
  readonly made_at: string;
}

type Row = Readonly<Record<string, unknown>>;

/** Writes an export piece by piece, in one format. */
export interface ExportRenderer {
  readonly content_type: string;
  begin(head: ExportHead): string;
  beginSection(section: SectionHead, is_first: boolean): string;
  /** @param is_first true for the first rows of a section */
  rows(rows: readonly Row[], is_first: boolean): string;
  endSection(): string;
  end(): string;
}

const FORMAT = 'onevault-personal-data/v1';

/** One JSON document, a row a line. */
const json: ExportRenderer = {
  content_type: 'application/json',
  begin: ({ subject, made_at }) =>
    `{"format":${JSON.stringify(FORMAT)},"subject":${JSON.stringify(subject)},"made_at":${JSON.stringify(made_at)},"sections":[`,
  beginSection: ({ name, title, purpose, retention }, is_first) =>
    `${is_first ? '' : ','}\n${JSON.stringify({ name, title, purpose, retention }).slice(0, -1)},"rows":[`,
  rows: (rows, is_first) =>
    rows.map((row, at) => `${is_first && at === 0 ? '' : ','}\n${JSON.stringify(row)}`).join(''),
  endSection: () => ']}',
  end: () => ']}\n',
};

/** A page without external resources. */
const html: ExportRenderer = {
  content_type: 'text/html',
  begin: ({ subject, made_at }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Personal data of ${escapeHtml(subject)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Personal data of ${escapeHtml(subject)}</h1>
<p>Everything that is held about this customer (Art. 15 GDPR), as of ${escapeHtml(made_at)}.</p>
`,
  beginSection: ({ title, purpose, retention }) =>
    `<h2>${escapeHtml(title)}</h2>\n<p class="note">${escapeHtml(purpose)} ${escapeHtml(retention)}</p>\n<div>`,
  rows: (rows, is_first) => {
    const head = Object.keys(rows[0] ?? {}).map((name) => `<th>${escapeHtml(name.replaceAll('_', ' '))}</th>`);
    const lines = rows.map(
      (row) =>
        `<tr>${Object.values(row)
          .map((value) => `<td>${cell(value)}</td>`)
          .join('')}</tr>\n`,
    );
    return `${is_first ? `<table>\n<tr>${head.join('')}</tr>\n` : ''}${lines.join('')}`;
  },
  // A parser ends the table at the end of its division; a section without rows has no table.
  endSection: () => '</div>\n',
  end: () => '</body>\n</html>\n',
};

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(cell).join('<br>');
  if (typeof value !== 'object') return escapeHtml(String(value));
  const parts = Object.entries(value).map(
    ([name, part]) => `<dt>${escapeHtml(name.replaceAll('_', ' '))}</dt><dd>${cell(part)}</dd>`,
  );
  return `<dl>${parts.join('')}</dl>`;
};

const STYLE = `
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2330; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
h2 { margin: 2rem 0 .25rem } .note { color: #5a6475; margin: 0 0 .5rem } div { overflow-x: auto }
table { border-collapse: collapse } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d8dde6 }
th { background: #f3f5f9; white-space: nowrap } dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .6rem; margin: 0 } dt { color: #5a6475 } dd { margin: 0 }
`;

export const EXPORT_RENDERERS = { json, html } as const;

export type ExportFormat = keyof typeof EXPORT_RENDERERS;
