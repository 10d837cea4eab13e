import { Ajv } from 'ajv';
import type { Fault } from '../faults.ts';
import { checkYaml, readYaml } from '../yaml-file.ts';
import { type ConfigLayer, faultsOfConfig, MODEL_CONFIG_PROPERTIES } from './model-config.ts';

/** Content of dbt_project.yml. Paths are folders relative to the project's. */
export interface ProjectFile {
  readonly name: string;
  readonly version: string | null;
  readonly model_paths: readonly string[];
  readonly macro_paths: readonly string[];
  readonly test_paths: readonly string[];
  /** Folders whose files dbt would run and this product does not. */
  readonly unsupported_paths: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  readonly folders: readonly FolderConfig[];
}

/** The config of all models below a folder (or of one model: the last part may be its name). */
interface FolderConfig {
  readonly path: readonly string[];
  readonly config: ConfigLayer;
  readonly line: number | null;
}

export const PROJECT_FILE = 'dbt_project.yml';

const PATHS = { type: 'array', items: { type: 'string' } };

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<RawProject>({
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
    version: { type: ['string', 'number', 'null'] },
    'config-version': { const: 2 },
    profile: { type: 'string' },
    'require-dbt-version': { type: ['string', 'array'] },
    'model-paths': PATHS,
    'macro-paths': PATHS,
    'test-paths': PATHS,
    'seed-paths': PATHS,
    'snapshot-paths': PATHS,
    'analysis-paths': PATHS,
    'asset-paths': PATHS,
    'docs-paths': PATHS,
    'target-path': { type: 'string' },
    'log-path': { type: 'string' },
    'clean-targets': PATHS,
    flags: {
      type: 'object',
      additionalProperties: false,
      properties: { send_anonymous_usage_stats: {}, use_colors: {} },
    },
    vars: { type: 'object' },
    models: { type: 'object' },
  },
});

interface RawProject {
  name: string;
  version?: string | number | null;
  vars?: Record<string, unknown>;
  models?: Record<string, unknown>;
  [paths: `${string}-paths`]: string[];
}

/** Reads dbt_project.yml; null, with the reasons in `faults`, when it cannot be used. */
export const readProjectFile = (project_dir: string, faults: Fault[]): ProjectFile | null => {
  const yaml = readYaml(project_dir, PROJECT_FILE, faults);
  const raw = yaml === null ? null : checkYaml(yaml, validate, faults);
  if (yaml === null || raw === null) return null;
  const collect = createFolderReader(yaml.lineOf, faults);
  const { [raw.name]: own = {}, ...everywhere } = raw.models ?? {};
  const general = collect(['models'], [], everywhere);
  return {
    name: raw.name,
    version: raw.version === undefined || raw.version === null ? null : String(raw.version),
    model_paths: raw['model-paths'] ?? ['models'],
    macro_paths: raw['macro-paths'] ?? ['macros'],
    test_paths: raw['test-paths'] ?? ['tests'],
    unsupported_paths: [...(raw['seed-paths'] ?? ['seeds']), ...(raw['snapshot-paths'] ?? ['snapshots'])],
    vars: varsOf(raw.vars ?? {}, raw.name),
    folders: [...general, ...collect(['models', raw.name], [], own as Record<string, unknown>)],
  };
};

/** Project-wide vars under those of the project's own name (https://docs.getdbt.com/docs/build/project-variables). */
const varsOf = (vars: Readonly<Record<string, unknown>>, project: string): Record<string, unknown> => {
  const { [project]: own, ...general } = vars;
  return { ...general, ...(isRecord(own) ? own : own === undefined ? {} : { [project]: own }) };
};

type ReadFolder = (at: string[], path: string[], level: Record<string, unknown>) => FolderConfig[];

const createFolderReader = (lineOf: (path: readonly string[]) => number | null, faults: Fault[]): ReadFolder => {
  const read: ReadFolder = (at, path, level) => {
    const config: Record<string, unknown> = {};
    const below: FolderConfig[] = [];
    for (const [key, value] of Object.entries(level ?? {})) {
      if (!key.startsWith('+') && isRecord(value) && !(key in MODEL_CONFIG_PROPERTIES)) {
        // At the top, only the project's own name leads to folders: there are no packages.
        if (at.length === 1) faults.push(fault(lineOf([...at, key]), `models: "${key}" is not this project's name`));
        else below.push(...read([...at, key], [...path, key], value));
        continue;
      }
      config[key] = value;
      for (const message of faultsOfConfig({ [key]: value })) faults.push(fault(lineOf([...at, key]), message));
    }
    if (Object.keys(config).length === 0) return below;
    return [{ path, config, line: lineOf(at) }, ...below];
  };
  return read;
};

const fault = (line: number | null, message: string): Fault => ({ file: PROJECT_FILE, line, message });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
