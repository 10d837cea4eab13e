import { ANTHROPIC } from './anthropic.ts';
import { COMPATIBLE } from './compatible.ts';
import { GOOGLE } from './google.ts';
import type { CatalogModel } from './model.ts';
import { OPENAI } from './openai.ts';

/** Date of the last change of the entries. Raise it with them, so that a change is a later state and no conflict. */
export const CATALOG_DATE = '2026-11-21T00:00:00Z';

/** The deployments of a first start. Of entries with the same model, the first one gives its abilities. */
export const CATALOG: readonly CatalogModel[] = [...OPENAI, ...ANTHROPIC, ...GOOGLE, ...COMPATIBLE];
