import { type ContextInput, createContext, type Target } from './context.ts';
import { DbtProjectError, type Fault, messageOf } from './faults.ts';
import type { Model, Project, Source } from './project/types.ts';
import { ephemeralRelation, fits, quoted, type Relation } from './relations.ts';
import { createEngine, type Engine } from './template/engine.ts';
import { readTemplate } from './template/template.ts';

/** Inputs of rendering a project. */
export interface RenderInput {
  readonly project: Project;
  readonly target: Target;
  /** The logical instant, ISO 8601: `run_started_at`. */
  readonly at: string;
  /** Vars that win over the project's. */
  readonly vars?: Readonly<Record<string, unknown>>;
}

/** Relation of each model and source, by unique id. */
export type Layout = ReadonlyMap<string, Relation>;

const SCHEMA_MACRO = 'generate_schema_name';

/**
 * Gives every model and source its relation. A model's schema is dbt's default (the target's, or
 * `target_custom`) unless the project has a macro `generate_schema_name`.
 * @throws DbtProjectError when a name is too long for PostgreSQL or two models would share a relation
 */
export const layOut = (input: RenderInput): Layout => {
  const { models, sources, macros } = input.project;
  const faults: Fault[] = [];
  const layout = new Map<string, Relation>();
  const taken = new Map<string, string>();
  const engine = createEngine(
    createContext(bareContext(input)),
    macros.map(({ template }) => template),
  );
  const place = (node: Model | Source, locate: () => Relation): void => {
    try {
      const relation = locate();
      const long = [relation.schema ?? relation.identifier, relation.identifier].find((name) => !fits(name));
      if (long !== undefined) throw new Error(`the name "${long}" is empty or longer than PostgreSQL's 63 bytes`);
      const other = taken.get(quoted(relation));
      if (node.resource_type === 'model' && other !== undefined) throw new Error(`${other} has the same relation`);
      if (node.resource_type === 'model') taken.set(quoted(relation), node.name);
      layout.set(node.unique_id, relation);
    } catch (error) {
      faults.push({
        file: node.original_file_path,
        line: null,
        message: `${node.name}: ${messageOf(error)}`,
      });
    }
  };
  for (const model of models.values()) place(model, () => relationOf(model, input, engine));
  for (const source of sources.values()) {
    place(source, () => ({
      schema: renderText(engine, source.schema),
      identifier: renderText(engine, source.identifier),
    }));
  }
  if (faults.length > 0) throw new DbtProjectError(faults);
  return layout;
};

const relationOf = (model: Model, { project, target }: RenderInput, engine: Engine): Relation => {
  if (model.config.materialized === 'ephemeral') return ephemeralRelation(model.name);
  const identifier = model.config.alias ?? model.name;
  const custom = model.config.schema;
  if (project.macros.some(({ names }) => names.includes(SCHEMA_MACRO))) {
    const { name, unique_id, resource_type, fqn, path, original_file_path, config } = model;
    const node = {
      name,
      unique_id,
      resource_type,
      fqn,
      path,
      original_file_path,
      config,
      package_name: project.name,
    };
    return { schema: engine.callMacro(SCHEMA_MACRO, [custom, node]).trim(), identifier };
  }
  return { schema: custom === null ? target.schema : `${target.schema}_${custom.trim()}`, identifier };
};

const renderText = (engine: Engine, text: string): string =>
  text.includes('{{') ? engine.render(readTemplate(text)).trim() : text;

/** The context of what is not a node, where ref, source and config mean nothing. */
const bareContext = ({ project, target, at, vars }: RenderInput): ContextInput => {
  const refuse = (name: string) => (): never => {
    throw new Error(`${name}() cannot be called here`);
  };
  return {
    project_name: project.name,
    vars: { ...project.vars, ...vars },
    env: project.env,
    target,
    at,
    this: null,
    execute: true,
    is_incremental: false,
    ref: refuse('ref'),
    source: refuse('source'),
    config: refuse('config'),
  };
};
