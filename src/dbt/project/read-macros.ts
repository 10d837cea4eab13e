import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTEXT_NAMES } from '../context.ts';
import { type Fault, TemplateError } from '../faults.ts';
import { findUnknownNames } from '../template/names.ts';
import { macrosIn, readTemplate, type Template } from '../template/template.ts';
import { listFiles, type ProjectPath } from './list-files.ts';
import type { MacroFile } from './types.ts';

/** Reads a template file; null, with the reason in `faults`, when it cannot be read. */
export const readTemplateFile = (project_dir: string, { file }: ProjectPath, faults: Fault[]): Template | null => {
  try {
    return readTemplate(readFileSync(join(project_dir, file), 'utf8'));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    faults.push({ file, line: error.line, message: error.message });
    return null;
  }
};

/** The macro files of a project. Faults are names twice, names unknown, and what cannot be read. */
export const readMacros = (project_dir: string, roots: readonly string[], faults: Fault[]): MacroFile[] => {
  const files: MacroFile[] = [];
  const owner = new Map<string, string>();
  for (const path of listFiles(project_dir, roots, ['.sql'])) {
    const template = readTemplateFile(project_dir, path, faults);
    if (template === null) continue;
    const macros = macrosIn(template);
    for (const { name, line } of macros) {
      const message = CONTEXT_NAMES.includes(name)
        ? 'is a name of dbt'
        : owner.has(name)
          ? `is in ${owner.get(name)} too`
          : null;
      if (message !== null) faults.push({ file: path.file, line, message: `the macro "${name}" ${message}` });
      owner.set(name, path.file);
    }
    files.push({ file: path.file, names: macros.map(({ name }) => name), template });
  }
  const known = new Set([...CONTEXT_NAMES, ...owner.keys()]);
  for (const { file, template } of files) faults.push(...findUnknownNames(template.tags, known, file));
  return files;
};
