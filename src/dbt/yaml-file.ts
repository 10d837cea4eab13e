import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { LineCounter, parseDocument, type Tags } from 'yaml';
import type { Fault } from './faults.ts';

/** A YAML file that was read. */
export interface YamlFile {
  readonly file: string;
  readonly value: unknown;
  /** The line (from 1) of the value at a path of keys and positions. */
  lineOf(path: readonly (string | number)[]): number | null;
}

/**
 * Reads a YAML file as PyYAML does (YAML 1.1: `yes` is true). Faults of syntax are added to `faults`.
 * @param file relative to `project_dir`
 */
export const readYaml = (project_dir: string, file: string, faults: Fault[]): YamlFile | null => {
  const lines = new LineCounter();
  const text = readFileSync(join(project_dir, file), 'utf8');
  const document = parseDocument(text, { lineCounter: lines, version: '1.1', customTags: withoutLetters });
  for (const { message, linePos } of document.errors) {
    faults.push({
      file,
      line: linePos?.[0].line ?? null,
      message: message.split('\n')[0]!.replace(/ at line \d+.*/, ''),
    });
  }
  if (document.errors.length > 0) return null;
  const lineOf: YamlFile['lineOf'] = (path) => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      const range =
        node !== null && typeof node === 'object' && 'range' in node ? (node.range as number[] | null) : null;
      if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
    }
    return 1;
  };
  return { file, value: document.toJS() as unknown, lineOf };
};

/** True if a file's content fits a schema; each misfit is added to `faults` with its line. */
export const checkYaml = <T>(yaml: YamlFile, validate: ValidateFunction<T>, faults: Fault[]): T | null => {
  if (validate(yaml.value)) return yaml.value;
  for (const error of validate.errors ?? []) {
    const path = pathOf(error.instancePath);
    const { message, key } = faultOf(error, path);
    faults.push({ file: yaml.file, line: yaml.lineOf(key === null ? path : [...path, key]), message });
  }
  return null;
};

/** YAML 1.1 takes `y` and `n` for booleans; PyYAML does not, and they are common names of columns. */
const withoutLetters = (tags: Tags): Tags =>
  tags.map((tag) =>
    typeof tag === 'object' && tag.tag === 'tag:yaml.org,2002:bool' && 'test' in tag && tag.test !== undefined
      ? { ...tag, test: new RegExp(tag.test.source.replace('Y|y|', '').replace('N|n|', '')) }
      : tag,
  );

const pathOf = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));

const faultOf = (error: ErrorObject, path: readonly (string | number)[]): { message: string; key: string | null } => {
  const where = path.length === 0 ? '' : `${path.join('.')}: `;
  const extra = error.params.additionalProperty as string | undefined;
  if (extra !== undefined) return { message: `${where}the key "${extra}" is not supported`, key: extra };
  const allowed = error.params.allowedValues as unknown[] | undefined;
  const values = allowed === undefined ? '' : `: ${allowed.map(String).join(', ')}`;
  return { message: `${where}${error.message ?? 'has the wrong form'}${values}`, key: null };
};
