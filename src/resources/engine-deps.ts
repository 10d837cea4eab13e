import type { Reader } from '../vault/read.ts';
import type { Registry } from '../vault/registry.ts';
import type { SaveDeps } from './writing/save.ts';

/** What declared resources are read and written with, by routes and by commands. */
export interface EngineDeps extends SaveDeps {
  readonly registry: Registry;
  readonly reader: Reader;
}
