import { csvRenderer } from './csv.ts';
import { htmlRenderer } from './html.ts';
import { jsonRenderer } from './json.ts';
import type { Renderer } from './renderer.ts';

export const RENDERERS = {
  json: jsonRenderer,
  csv: csvRenderer,
  html: htmlRenderer,
} as const satisfies Record<string, Renderer>;

export type ReportFormat = keyof typeof RENDERERS;
