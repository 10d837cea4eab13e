import type { Fault } from '../faults.ts';
import type { Properties, RawColumn } from './properties.ts';
import type { Column, Source } from './types.ts';

/** The sources of all properties files by unique id; one that is there twice is a fault. */
export const readSources = (project: string, files: readonly Properties[], faults: Fault[]): Map<string, Source> => {
  const sources = new Map<string, Source>();
  for (const { yaml, sources: raw } of files) {
    for (const [at, source] of raw.entries()) {
      for (const [position, table] of (source.tables ?? []).entries()) {
        const unique_id = sourceId(project, source.name, table.name);
        if (sources.has(unique_id)) {
          const line = yaml.lineOf(['sources', at, 'tables', position, 'name']);
          faults.push({
            file: yaml.file,
            line,
            message: `the source ${source.name}.${table.name} is there twice`,
          });
        }
        sources.set(unique_id, {
          resource_type: 'source',
          unique_id,
          source_name: source.name,
          name: table.name,
          schema: source.schema ?? source.name,
          identifier: table.identifier ?? table.name,
          original_file_path: yaml.file,
          fqn: [project, source.name, table.name],
          description: table.description ?? '',
          source_description: source.description ?? '',
          columns: columnsOf(table.columns),
        });
      }
    }
  }
  return sources;
};

export const sourceId = (project: string, source: string, table: string): string =>
  `source.${project}.${source}.${table}`;

export const columnsOf = (columns: readonly RawColumn[] | undefined): Column[] =>
  (columns ?? []).map(({ name, description, data_type, quote }) => ({
    name,
    description: description ?? '',
    data_type: data_type ?? null,
    quote: quote ?? false,
  }));
