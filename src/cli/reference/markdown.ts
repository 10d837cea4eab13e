/** The first lines of a generated page. */
export const pageHead = (source: string, title: string, intro: string): string =>
  `<!-- Generated from ${source} by \`npm run generate\`: never edit. -->\n\n# ${title}\n\n${intro}\n`;

/** A Markdown table. Pipes and line breaks in cells are escaped. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`;
  return `${line(head)}|${'---|'.repeat(head.length)}\n${rows.map(line).join('')}`;
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Text as code; '' stays ''. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
