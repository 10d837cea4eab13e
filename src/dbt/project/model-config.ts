import { Ajv } from 'ajv';
import type { ModelConfig } from './types.ts';

/** Config keys as one place sets them: a folder of dbt_project.yml, a properties file, `config()`. */
export type ConfigLayer = Readonly<Record<string, unknown>>;

const TEXTS = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
const INDEX = {
  type: 'object',
  required: ['columns'],
  additionalProperties: false,
  properties: {
    columns: { type: 'array', items: { type: 'string' }, minItems: 1 },
    unique: { type: 'boolean' },
    type: { enum: ['btree', 'hash', 'gist', 'spgist', 'gin', 'brin'] },
  },
};

/** The config keys of a model that are supported, with their forms. */
export const MODEL_CONFIG_PROPERTIES = {
  materialized: { enum: ['view', 'table', 'incremental', 'ephemeral'] },
  schema: { type: ['string', 'null'] },
  alias: { type: ['string', 'null'] },
  tags: TEXTS,
  unique_key: { anyOf: [...TEXTS.anyOf, { type: 'null' }] },
  incremental_strategy: { enum: ['append', 'delete+insert', null] },
  on_schema_change: { enum: ['ignore'] },
  enabled: { type: 'boolean' },
  meta: { type: 'object' },
  docs: { type: 'object' },
  indexes: { type: 'array', items: INDEX },
};

const validate = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false }).compile<ConfigLayer>({
  type: 'object',
  additionalProperties: false,
  properties: MODEL_CONFIG_PROPERTIES,
});

/** Faults of a layer as text; empty if it is valid. A `+` before a key is dropped first. */
export const faultsOfConfig = (layer: ConfigLayer): string[] => {
  const jinja = Object.entries(layer).filter(([, value]) => /\{[{%]/.test(JSON.stringify(value) ?? ''));
  if (jinja.length > 0)
    return jinja.map(([key]) => `the config "${key}": Jinja is not supported in the config of a YAML file`);
  if (validate(withoutPlus(layer))) return [];
  return (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'anyOf')
    .map(({ instancePath, params, message }) => {
      const extra = params.additionalProperty as string | undefined;
      if (extra !== undefined) return `the config key "${extra}" is not supported`;
      const key = instancePath.slice(1);
      const value = withoutPlus(layer)[key.split('/')[0]!];
      return `the config ${key}: ${JSON.stringify(value)} is not supported: ${message}${allowed(params)}`;
    });
};

const allowed = (params: Record<string, unknown>): string => {
  const values = params.allowedValues as unknown[] | undefined;
  return values === undefined ? '' : ` (${values.map(String).join(', ')})`;
};

const withoutPlus = (layer: ConfigLayer): Record<string, unknown> =>
  Object.fromEntries(Object.entries(layer).map(([key, value]) => [key.replace(/^\+/, ''), value]));

/**
 * A model's config of its layers, the weakest first: tags add up, meta merges, everything else is replaced
 * (https://docs.getdbt.com/reference/define-configs).
 */
export const mergeConfig = (layers: readonly ConfigLayer[]): ModelConfig => {
  const merged: Record<string, unknown> = {};
  for (const layer of layers) Object.assign(merged, withoutPlus(layer));
  const all = layers.map(withoutPlus);
  const unique_key = texts(merged.unique_key);
  const strategy = merged.incremental_strategy as ModelConfig['incremental_strategy'] | null | undefined;
  return {
    materialized: (merged.materialized as ModelConfig['materialized'] | undefined) ?? 'view',
    schema: (merged.schema as string | null | undefined) ?? null,
    alias: (merged.alias as string | null | undefined) ?? null,
    tags: [...new Set(all.flatMap((layer) => texts(layer.tags)))],
    unique_key,
    incremental_strategy: strategy ?? (unique_key.length > 0 ? 'delete+insert' : 'append'),
    enabled: (merged.enabled as boolean | undefined) ?? true,
    meta: Object.assign({}, ...all.map((layer) => layer.meta ?? {})) as Record<string, unknown>,
    indexes: (merged.indexes as ModelConfig['indexes'] | undefined) ?? [],
  };
};

export const texts = (value: unknown): string[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value.map(String) : [String(value)];
