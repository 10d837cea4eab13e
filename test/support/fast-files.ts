import { globSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { importsOf, type SourceFiles } from './architecture.ts';

/** Modules with which a test reaches a process, a database or a server of its own. */
const HEAVY: ReadonlySet<string> = new Set([
  ...['node:child_process', 'node:cluster', 'child_process', 'postgres', 'pg', 'knex', '(computed)'],
  ...['test/support/database.ts', 'test/support/server.ts', 'test/support/gateway.ts', 'src/sandbox/server.ts'],
]);

const TYPES = /^(?:import|export) type\b[^;]*;/gm;

/** Folder with the code of our own that starts processes. */
const HEAVY_FOLDER = 'src/postgres/embedded/';

/**
 * The test files that reach no heavy module through their imports, types excepted. A computed import counts as heavy.
 * @param files by path from the project's root
 */
export const findFastFiles = (files: SourceFiles): string[] => {
  const isHeavy = (path: string, seen: Set<string>): boolean => {
    if (HEAVY.has(path) || path.startsWith(HEAVY_FOLDER)) return true;
    if (seen.has(path)) return false;
    seen.add(path);
    const text = files.get(path);
    return text !== undefined && importsOf(path, text.replaceAll(TYPES, '')).some((target) => isHeavy(target, seen));
  };
  return [...files.keys()].filter((path) => path.endsWith('.test.ts') && !isHeavy(path, new Set())).toSorted();
};

/** All our own modules below `root`. */
export const readModules = (root: string): SourceFiles => {
  const paths = globSync('{src,test,bench,migrations,seeds,verifier,bin}/**/*.{ts,mjs}', { cwd: root });
  return new Map(paths.map((path) => [path.split(sep).join('/'), readFileSync(`${root}/${path}`, 'utf8')]));
};
