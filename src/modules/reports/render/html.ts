import { escapeHtml } from '../../../core/html.ts';
import { HTML_END, htmlHead } from '../../../core/html-document.ts';
import { evidenceLines } from './evidence-lines.ts';
import type { Renderer } from './renderer.ts';

const TO_FILL_IN = '____________________________';

/** A page without external resources, for screen and paper. */
export const htmlRenderer: Renderer = {
  begin: (evidence) => {
    const lines = evidenceLines(evidence).map(
      ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value === '' ? TO_FILL_IN : value)}</dd>`,
    );
    const title = `${evidence.regulation}: ${evidence.title}`;
    return `${htmlHead(title)}<h1>${escapeHtml(title)}</h1>\n<h2>Evidence</h2>\n<dl>\n${lines.join('\n')}\n</dl>\n`;
  },
  beginSection: ({ title, columns }) => {
    const heads = columns.map(
      ({ name, description, is_number }) =>
        `<th${is_number ? ' class="number"' : ''} title="${escapeHtml(description)}">${escapeHtml(name.replaceAll('_', ' '))}</th>`,
    );
    return `<h2>${escapeHtml(title)}</h2>\n<table>\n<thead><tr>${heads.join('')}</tr></thead>\n<tbody>\n`;
  },
  rows: ({ columns }, rows) =>
    rows
      .map((row) => {
        const cells = columns.map(({ name, is_number }) => {
          const value = row[name] ?? null;
          return `<td${is_number ? ' class="number"' : ''}>${value === null ? '' : escapeHtml(String(value))}</td>`;
        });
        return `<tr>${cells.join('')}</tr>\n`;
      })
      .join(''),
  endSection: (_section, row_count) => `</tbody>\n</table>\n<p class="note">${row_count} rows</p>\n`,
  end: () => HTML_END,
};
