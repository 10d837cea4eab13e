import { ANTHROPIC } from './anthropic.ts';
import { COMPATIBLE } from './compatible.ts';
import { GOOGLE } from './google.ts';
import type { CatalogModel } from './model.ts';
import { OPENAI } from './openai.ts';

/** When the entries were last changed: to be raised with them, so that a change is a later statement and no rival. */
export const CATALOG_DATE = '2026-11-21T00:00:00Z';

/** Every offer that a first start begins with. Of entries with the same model, the first says what it can do. */
export const CATALOG: readonly CatalogModel[] = [...OPENAI, ...ANTHROPIC, ...GOOGLE, ...COMPATIBLE];
