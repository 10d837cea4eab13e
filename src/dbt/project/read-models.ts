import { basename, dirname } from 'node:path';
import { CONTEXT_NAMES } from '../context.ts';
import { type Fault, messageOf, TemplateError } from '../faults.ts';
import { ephemeralRelation, fits } from '../relations.ts';
import { findUnknownNames } from '../template/names.ts';
import type { Template } from '../template/template.ts';
import { listFiles, type ProjectPath } from './list-files.ts';
import { type ConfigLayer, faultsOfConfig, mergeConfig } from './model-config.ts';
import { lineOfCall, macrosCalled, type Probe, type ProbeInput, probe } from './probe.ts';
import { PROJECT_FILE, type ProjectFile } from './project-file.ts';
import type { Properties, RawModel } from './properties.ts';
import { readTemplateFile } from './read-macros.ts';
import { columnsOf } from './read-sources.ts';
import type { Model } from './types.ts';

/** A model before its references are resolved. */
export type UnresolvedModel = Omit<Model, 'depends_on'>;

export interface ReadInput {
  readonly project_dir: string;
  readonly project: ProjectFile;
  readonly properties: readonly Properties[];
  readonly macro_names: ReadonlySet<string>;
  readonly probe: ProbeInput;
  /** The models that have a file which could not be read: refs to them are no fault of their own. */
  readonly unread: Set<string>;
  readonly faults: Fault[];
}

interface Patch {
  readonly raw: RawModel;
  readonly file: string;
}

/** Every model of a project by name, the disabled ones too. */
export const readModels = (input: ReadInput): Map<string, UnresolvedModel> => {
  const { project_dir, project, faults } = input;
  const patches = readPatches(input);
  const models = new Map<string, UnresolvedModel>();
  const paths = listFiles(project_dir, project.model_paths, ['.sql']);
  checkFolders(project, paths, faults);
  for (const path of paths) {
    const name = basename(path.path, '.sql');
    const before = models.get(name);
    if (before !== undefined) {
      const message = `the model "${name}" is in ${before.original_file_path} too`;
      faults.push({ file: path.file, line: null, message });
      continue;
    }
    const model = readModel(input, path, name, patches.get(name) ?? null);
    if (model === null) input.unread.add(name);
    else models.set(name, model);
  }
  const names = new Set(paths.map(({ path }) => basename(path, '.sql')));
  for (const { raw, file } of patches.values()) {
    if (!names.has(raw.name)) faults.push({ file, line: null, message: `there is no model "${raw.name}" to describe` });
  }
  return models;
};

const readPatches = ({ properties, faults }: ReadInput): Map<string, Patch> => {
  const patches = new Map<string, Patch>();
  for (const { yaml, models } of properties) {
    for (const [at, raw] of models.entries()) {
      const line = yaml.lineOf(['models', at, 'name']);
      const before = patches.get(raw.name);
      if (before !== undefined) {
        faults.push({
          file: yaml.file,
          line,
          message: `the model "${raw.name}" is described in ${before.file} too`,
        });
      }
      for (const message of faultsOfConfig(raw.config ?? {})) {
        faults.push({ file: yaml.file, line: yaml.lineOf(['models', at, 'config']), message });
      }
      patches.set(raw.name, { raw, file: yaml.file });
    }
  }
  return patches;
};

const readModel = (input: ReadInput, path: ProjectPath, name: string, patch: Patch | null): UnresolvedModel | null => {
  const { project, faults } = input;
  const probed = readAndProbe(input, path, name);
  if (probed === null) return null;
  const { template, refs, sources, config } = probed;
  const folders = dirname(path.path)
    .split('/')
    .filter((part) => part !== '.');
  const line = lineOfCall(template, 'config');
  const config_faults = faultsOfConfig(config);
  for (const message of config_faults) faults.push({ file: path.file, line, message });
  const layers: ConfigLayer[] = [...layersOf(project, [...folders, name]), patch?.raw.config ?? {}];
  const merged = mergeConfig(config_faults.length === 0 ? [...layers, config] : layers);
  const alias = merged.alias ?? name;
  const relation_name = merged.materialized === 'ephemeral' ? ephemeralRelation(name).identifier : alias;
  if (!fits(relation_name)) {
    faults.push({
      file: path.file,
      line,
      message: `the name "${relation_name}" is longer than PostgreSQL's 63 bytes`,
    });
  }
  return {
    resource_type: 'model',
    unique_id: `model.${project.name}.${name}`,
    name,
    path: path.path,
    original_file_path: path.file,
    fqn: [project.name, ...folders, name],
    description: patch?.raw.description ?? '',
    template,
    macros: macrosCalled(template, input.macro_names),
    refs,
    sources,
    config: merged,
    config_call: config,
    columns: columnsOf(patch?.raw.columns),
    patch_path: patch?.file ?? null,
  };
};

/** Reads a template file and renders it once; null, with the reasons in `faults`, when that fails. */
export const readAndProbe = (
  input: ReadInput,
  path: ProjectPath,
  name: string,
): (Probe & { template: Template }) | null => {
  const template = readTemplateFile(input.project_dir, path, input.faults);
  return template === null ? null : probeTemplate(input, template, path.file, name);
};

/** Checks a template's names and renders it once; null, with the reasons in `faults`, when that fails. */
export const probeTemplate = (
  { macro_names, probe: shared, faults }: ReadInput,
  template: Template,
  file: string,
  name: string,
): (Probe & { template: Template }) | null => {
  const unknown = findUnknownNames(template.tags, new Set([...CONTEXT_NAMES, ...macro_names]), file);
  faults.push(...unknown);
  if (unknown.length > 0) return null;
  try {
    return { template, ...probe(template, name, shared) };
  } catch (error) {
    faults.push({
      file,
      line: error instanceof TemplateError ? error.line : null,
      message: messageOf(error),
    });
    return null;
  }
};

/** The config of dbt_project.yml that applies to a model, the widest folder first. */
const layersOf = ({ folders }: ProjectFile, path: readonly string[]): ConfigLayer[] =>
  folders
    .filter((folder) => folder.path.every((part, at) => path[at] === part))
    .sort((a, b) => a.path.length - b.path.length)
    .map(({ config }) => config);

const checkFolders = ({ folders }: ProjectFile, paths: readonly ProjectPath[], faults: Fault[]): void => {
  const known = paths.map(({ path }) => `${path.replace(/\.sql$/, '')}/`);
  for (const { path, line } of folders) {
    const folder = path.map((part) => `${part}/`).join('');
    if (known.some((model) => model.startsWith(folder))) continue;
    faults.push({ file: PROJECT_FILE, line, message: `models: there is no model below "${path.join('/')}"` });
  }
};
