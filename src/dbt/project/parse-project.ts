import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DbtProjectError, type Fault } from '../faults.ts';
import { topologicalOrder } from '../graph.ts';
import { listFiles } from './list-files.ts';
import { lineOfCall } from './probe.ts';
import { PROJECT_FILE, type ProjectFile, readProjectFile } from './project-file.ts';
import { type Properties, readProperties } from './properties.ts';
import { readMacros } from './read-macros.ts';
import { type ReadInput, readModels, type UnresolvedModel } from './read-models.ts';
import { readSources, sourceId } from './read-sources.ts';
import { readTests, type UnresolvedTest } from './read-tests.ts';
import type { DataTest, Model, Project, Source } from './types.ts';

export interface ParseInput {
  /** The folder that holds dbt_project.yml. */
  readonly project_dir: string;
  /** Vars as on dbt's command line: they win over the project's. */
  readonly vars?: Readonly<Record<string, unknown>>;
  /** Variables for `env_var()`. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Reads a dbt project whole: models, tests, sources, macros, and who reads whom. Opens no connection.
 * @throws DbtProjectError that lists every fault, each with file and line where known
 */
export const parseProject = ({ project_dir, vars = {}, env = {} }: ParseInput): Project => {
  const faults: Fault[] = [];
  if (!existsSync(join(project_dir, PROJECT_FILE))) {
    throw new DbtProjectError([{ file: PROJECT_FILE, line: null, message: `there is none in ${project_dir}` }]);
  }
  const file = readProjectFile(project_dir, faults);
  if (file === null) throw new DbtProjectError(faults);
  refuseOtherResources(project_dir, file, faults);
  const all_vars = { ...file.vars, ...vars };
  const macros = readMacros(project_dir, file.macro_paths, faults);
  const properties = listFiles(project_dir, file.model_paths, ['.yml', '.yaml'])
    .map((path) => readProperties(project_dir, path.file, faults))
    .filter((read): read is Properties => read !== null);
  const input: ReadInput = {
    project_dir,
    project: file,
    properties,
    macro_names: new Set(macros.flatMap(({ names }) => names)),
    probe: { project_name: file.name, vars: all_vars, env, macros: macros.map(({ template }) => template) },
    unread: new Set(),
    faults,
  };
  const sources = readSources(file.name, properties, faults);
  const models = readModels(input);
  const tests = readTests(input);
  const resolve = createResolver(input, models, sources);
  const project: Project = {
    name: file.name,
    version: file.version,
    project_dir,
    vars: all_vars,
    env,
    models: byId(
      [...models.values()].filter(isEnabled).map((model): Model => ({ ...model, depends_on: resolve(model) })),
    ),
    tests: byId(
      testsToRun(tests, models, sources, file.name).map((test): DataTest => ({ ...test, depends_on: resolve(test) })),
    ),
    sources,
    macros,
  };
  if (faults.length === 0) findCycle(project, faults);
  if (faults.length > 0) throw new DbtProjectError(faults);
  return project;
};

const isEnabled = ({ config }: { readonly config: { readonly enabled: boolean } }): boolean => config.enabled;

/** The enabled tests, without those of a disabled model. */
const testsToRun = (
  tests: ReadonlyMap<string, UnresolvedTest>,
  models: ReadonlyMap<string, UnresolvedModel>,
  sources: ReadonlyMap<string, Source>,
  project: string,
): UnresolvedTest[] => {
  const disabled = new Set([...models.values()].filter((model) => !isEnabled(model)).map(({ unique_id }) => unique_id));
  return [...tests.values()].filter((test) => {
    const reads = test.refs.map((name) => `model.${project}.${name}`);
    const attached = test.generic?.attached_to;
    if (attached !== undefined && !sources.has(attached)) reads.push(attached);
    return isEnabled(test) && !reads.some((id) => disabled.has(id));
  });
};

type Unresolved = UnresolvedModel | UnresolvedTest;

const createResolver =
  (
    { project: { name: project }, unread, faults }: ReadInput,
    models: ReadonlyMap<string, UnresolvedModel>,
    sources: ReadonlyMap<string, Source>,
  ): ((node: Unresolved) => string[]) =>
  (node) => {
    const add = (message: string, call: string, argument: string): void => {
      const is_generic = node.resource_type === 'test' && node.generic !== null;
      const line = is_generic ? null : lineOfCall(node.template, call, argument);
      faults.push({ file: node.original_file_path, line, message: `${node.name}: ${message}` });
    };
    for (const name of node.refs) {
      const model = models.get(name);
      if (unread.has(name)) continue;
      if (model === undefined) add(`ref('${name}'): there is no such model`, 'ref', name);
      else if (!model.config.enabled) add(`ref('${name}'): the model is disabled`, 'ref', name);
    }
    for (const [source, table] of node.sources) {
      if (!sources.has(sourceId(project, source, table))) {
        add(`source('${source}', '${table}'): there is no such source`, 'source', table);
      }
    }
    return [
      ...node.refs.map((name) => `model.${project}.${name}`),
      ...node.sources.map(([source, table]) => sourceId(project, source, table)),
    ];
  };

const byId = <T extends { readonly unique_id: string }>(nodes: readonly T[]): Map<string, T> =>
  new Map(nodes.map((node) => [node.unique_id, node]));

const findCycle = (project: Project, faults: Fault[]): void => {
  const { cycle } = topologicalOrder(new Map([...project.models].map(([id, { depends_on }]) => [id, depends_on])));
  const [first] = cycle ?? [];
  if (cycle === null || first === undefined) return;
  const names = cycle.map((id) => project.models.get(id)?.name ?? id);
  const file = project.models.get(first)?.original_file_path ?? PROJECT_FILE;
  faults.push({ file, line: null, message: `models read each other in a circle: ${names.join(' → ')}` });
};

const refuseOtherResources = (project_dir: string, file: ProjectFile, faults: Fault[]): void => {
  for (const { file: path } of listFiles(project_dir, file.unsupported_paths, ['.sql', '.csv', '.yml', '.yaml'])) {
    faults.push({ file: path, line: null, message: 'seeds and snapshots are not supported' });
  }
  for (const { file: path } of listFiles(project_dir, file.model_paths, ['.py', '.csv'])) {
    faults.push({ file: path, line: null, message: 'only SQL models and YAML properties are supported' });
  }
  for (const path of ['packages.yml', 'dependencies.yml']) {
    if (existsSync(join(project_dir, path)))
      faults.push({ file: path, line: null, message: 'packages are not supported' });
  }
};
