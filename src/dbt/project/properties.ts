import { Ajv } from 'ajv';
import type { Fault } from '../faults.ts';
import { checkYaml, readYaml, type YamlFile } from '../yaml-file.ts';
import type { ConfigLayer } from './model-config.ts';

/** A test as a properties file writes it: its name, or its name with arguments. */
export type RawTest = string | Readonly<Record<string, unknown>>;

export interface RawColumn {
  readonly name: string;
  readonly description?: string;
  readonly data_type?: string;
  readonly quote?: boolean;
  readonly tests?: readonly RawTest[];
  readonly data_tests?: readonly RawTest[];
}

export interface RawDescribed {
  readonly name: string;
  readonly description?: string;
  readonly columns?: readonly RawColumn[];
  readonly tests?: readonly RawTest[];
  readonly data_tests?: readonly RawTest[];
}

export interface RawModel extends RawDescribed {
  readonly config?: ConfigLayer;
}

interface RawTable extends RawDescribed {
  readonly identifier?: string;
}

interface RawSource {
  readonly name: string;
  readonly schema?: string;
  readonly description?: string;
  readonly tables?: readonly RawTable[];
}

/** A properties file below a model folder: its models and sources. */
export interface Properties {
  readonly yaml: YamlFile;
  readonly models: readonly RawModel[];
  readonly sources: readonly RawSource[];
}

const TEXT = { type: 'string' };
const TESTS = { type: 'array', items: { type: ['string', 'object'] } };
const DESCRIBED = {
  name: TEXT,
  description: TEXT,
  meta: { type: 'object' },
  tests: TESTS,
  data_tests: TESTS,
};
const COLUMNS = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name'],
    additionalProperties: false,
    properties: { ...DESCRIBED, data_type: TEXT, quote: { type: 'boolean' }, config: metaOnly() },
  },
};
const list = (properties: object): object => ({
  type: 'array',
  items: { type: 'object', required: ['name'], additionalProperties: false, properties },
});

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<{
  models?: RawModel[];
  sources?: RawSource[];
}>({
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    version: { const: 2 },
    models: list({ ...DESCRIBED, columns: COLUMNS, config: { type: 'object' }, docs: { type: 'object' } }),
    sources: list({
      name: TEXT,
      schema: TEXT,
      description: TEXT,
      meta: { type: 'object' },
      config: metaOnly(),
      tables: list({ ...DESCRIBED, columns: COLUMNS, identifier: TEXT, config: metaOnly() }),
    }),
    macros: { type: 'array', items: { type: 'object' } },
  },
});

/** Reads a properties file; null, with the reasons in `faults`, when it cannot be used. */
export const readProperties = (project_dir: string, file: string, faults: Fault[]): Properties | null => {
  const yaml = readYaml(project_dir, file, faults);
  if (yaml === null) return null;
  const raw = checkYaml(yaml, validate, faults);
  if (raw === null && yaml.value !== null) return null;
  return { yaml, models: raw?.models ?? [], sources: raw?.sources ?? [] };
};

function metaOnly(): object {
  return { type: 'object', additionalProperties: false, properties: { meta: { type: 'object' } } };
}
