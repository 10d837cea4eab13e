import type { Evidence } from '../evidence-block.ts';
import type { Section } from '../report-definition.ts';

/** A row of a section by column name: text, number or null. */
export type SectionRow = Readonly<Record<string, unknown>>;

/** Writes a report in pieces, so that a long one is never in memory as a whole. */
export interface Renderer {
  begin(evidence: Evidence): string;
  beginSection(section: Section, is_first: boolean): string;
  rows(section: Section, rows: readonly SectionRow[], is_first: boolean): string;
  endSection(section: Section, row_count: number): string;
  end(): string;
}
