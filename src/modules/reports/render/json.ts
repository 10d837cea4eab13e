import type { Renderer } from './renderer.ts';

/** One JSON document: `{ evidence, sections: [{ name, title, columns, rows, row_count }] }`, a row a line. */
export const jsonRenderer: Renderer = {
  begin: (evidence) => `{"evidence":${JSON.stringify(evidence, null, 2)},\n"sections":[`,
  beginSection: ({ name, title, columns }, is_first) => {
    const described = columns.map((column) => ({ name: column.name, description: column.description }));
    const head = `{"name":${JSON.stringify(name)},"title":${JSON.stringify(title)}`;
    return `${is_first ? '\n' : ',\n'}${head},"columns":${JSON.stringify(described)},"rows":[`;
  },
  rows: ({ columns }, rows, is_first) =>
    rows
      .map((row, place) => {
        const ordered = Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]));
        return `${is_first && place === 0 ? '\n' : ',\n'}${JSON.stringify(ordered)}`;
      })
      .join(''),
  endSection: (_section, row_count) => `\n],"row_count":${row_count}}`,
  end: () => '\n]}\n',
};
