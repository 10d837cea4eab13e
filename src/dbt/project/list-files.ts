import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A file of a project: `file` is relative to the project folder and `path` to `root`, one of its folders. */
export interface ProjectPath {
  readonly file: string;
  readonly path: string;
  readonly root: string;
}

/** The files below `roots` that end so, in the order of their names; a folder that is missing has none. */
export const listFiles = (project_dir: string, roots: readonly string[], endings: readonly string[]): ProjectPath[] =>
  roots.flatMap((root) => {
    const folder = join(project_dir, root);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      )
      .sort()
      .map((path) => ({ file: `${root}/${path}`, path, root }));
  });
