import { createHash } from 'node:crypto';
import { childrenOf } from '../graph.ts';
import type { Layout } from '../layout.ts';
import type { Column, DataTest, MacroFile, Model, Project, Source } from '../project/types.ts';
import { quoted } from '../relations.ts';
import type { NodeResult } from '../run/result.ts';
import { parentsOf } from '../select.ts';
import { type ArtifactMetadata, MANIFEST_SCHEMA } from './metadata.ts';

export interface ManifestInput {
  readonly project: Project;
  readonly layout: Layout;
  readonly database: string;
  readonly target_schema: string;
  readonly metadata: ArtifactMetadata;
  readonly results: readonly NodeResult[];
}

/** dbt's manifest.json, version 12: https://schemas.getdbt.com/dbt/manifest/v12.json */
export const manifestOf = (input: ManifestInput): Record<string, unknown> => {
  const { project, metadata } = input;
  const results = new Map(input.results.map((result) => [result.unique_id, result]));
  const parents = parentsOf(project);
  const children = childrenOf(parents);
  const models = [...project.models.values()].map((model) => modelEntry(model, input, results.get(model.unique_id)));
  const tests = [...project.tests.values()].map((test) => testEntry(test, input, results.get(test.unique_id)));
  return {
    metadata: {
      dbt_schema_version: MANIFEST_SCHEMA,
      ...metadata,
      project_name: project.name,
      adapter_type: 'postgres',
    },
    nodes: byId([...models, ...tests]),
    sources: byId([...project.sources.values()].map((source) => sourceEntry(source, input))),
    macros: byId(project.macros.flatMap((file) => macroEntries(file, project.name))),
    docs: {},
    exposures: {},
    metrics: {},
    groups: {},
    selectors: {},
    disabled: {},
    parent_map: Object.fromEntries(parents),
    child_map: Object.fromEntries([...parents.keys()].map((id) => [id, children.get(id) ?? []])),
    group_map: {},
    saved_queries: {},
    semantic_models: {},
    unit_tests: {},
  };
};

type Entry = { readonly unique_id: string } & Record<string, unknown>;

const modelEntry = (model: Model, input: ManifestInput, result: NodeResult | undefined): Entry => {
  const relation = input.layout.get(model.unique_id)!;
  const { unique_key, materialized, tags, meta } = model.config;
  return {
    ...templatedEntry(model, input, result),
    schema: relation.schema ?? input.target_schema,
    alias: model.config.alias ?? model.name,
    relation_name: materialized === 'ephemeral' ? null : quoted(relation),
    config: { ...model.config, unique_key: unique_key.length === 0 ? null : unique_key },
    tags,
    meta,
    columns: columnEntries(model.columns),
    patch_path: model.patch_path === null ? null : `${input.project.name}://${model.patch_path}`,
  };
};

const testEntry = (test: DataTest, input: ManifestInput, result: NodeResult | undefined): Entry => {
  const { generic } = test;
  const entry = {
    ...templatedEntry(test, input, result),
    schema: `${input.target_schema}_dbt_test__audit`,
    alias: shortName(test.name),
    relation_name: null,
    config: { ...test.config, materialized: 'test' },
    tags: test.config.tags,
    meta: test.config.meta,
    columns: {},
  };
  if (generic === null) return entry;
  const { column, attached_to } = generic;
  const kwargs = column === null ? generic.arguments : { ...generic.arguments, column_name: column };
  return {
    ...entry,
    column_name: column,
    attached_node: attached_to.startsWith('model.') ? attached_to : null,
    test_metadata: { name: generic.test, kwargs, namespace: null },
  };
};

const templatedEntry = (node: Model | DataTest, input: ManifestInput, result: NodeResult | undefined): Entry => {
  const { name, unique_id, resource_type, path, original_file_path, fqn, description, template } = node;
  return {
    database: input.database,
    name,
    resource_type,
    package_name: input.project.name,
    path,
    original_file_path,
    unique_id,
    fqn,
    description,
    checksum: { name: 'sha256', checksum: sha256(template.source) },
    unrendered_config: node.config_call,
    config_call_dict: node.config_call,
    raw_code: template.source,
    language: 'sql',
    refs: node.refs.map((model) => ({ name: model, package: null, version: null })),
    sources: node.sources,
    depends_on: {
      macros: node.macros.map((macro) => `macro.${input.project.name}.${macro}`),
      nodes: node.depends_on,
    },
    compiled: typeof result?.compiled_sql === 'string',
    compiled_code: result?.compiled_sql ?? null,
  };
};

const sourceEntry = (source: Source, { project, layout, database }: ManifestInput): Entry => {
  const { unique_id, resource_type, name, source_name, source_description, original_file_path, fqn, description } =
    source;
  const relation = layout.get(unique_id)!;
  return {
    database,
    schema: relation.schema ?? '',
    name,
    resource_type,
    package_name: project.name,
    path: original_file_path,
    original_file_path,
    unique_id,
    fqn,
    source_name,
    source_description,
    loader: '',
    identifier: relation.identifier,
    description,
    columns: columnEntries(source.columns),
    relation_name: quoted(relation),
  };
};

const macroEntries = ({ file, names, template }: MacroFile, project: string): Entry[] =>
  names.map((name) => ({
    name,
    resource_type: 'macro',
    package_name: project,
    path: file,
    original_file_path: file,
    unique_id: `macro.${project}.${name}`,
    macro_sql: template.source,
  }));

const columnEntries = (columns: readonly Column[]): Record<string, unknown> =>
  Object.fromEntries(
    columns.map(({ name, description, data_type, quote }) => [name, { name, description, data_type, quote }]),
  );

// dbt cuts the name of a test's relation so (`synthesize_generic_test_names` in dbt-core).
const MAX_ALIAS = 63;
const KEPT_OF_LONG_NAME = 30;

const shortName = (name: string): string =>
  name.length <= MAX_ALIAS
    ? name
    : `${name.slice(0, KEPT_OF_LONG_NAME)}_${createHash('md5').update(name).digest('hex')}`;

const byId = (entries: readonly Entry[]): Record<string, Entry> =>
  Object.fromEntries(entries.map((entry) => [entry.unique_id, entry]));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
