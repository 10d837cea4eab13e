import type { Reader } from '../vault/read.ts';
import type { Registry } from '../vault/registry.ts';
import type { SaveDeps } from './writing/save.ts';

/** The dependencies of declared resources, for routes and for commands. */
export interface EngineDeps extends SaveDeps {
  readonly registry: Registry;
  readonly reader: Reader;
}
