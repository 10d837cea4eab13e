import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createContext } from './context.ts';
import { topologicalOrder } from './graph.ts';
import { type Layout, layOut, type RenderInput } from './layout.ts';
import type { Model, Project, ProjectNode } from './project/types.ts';
import { ephemeralRelation, quoted, type Relation } from './relations.ts';
import { createEngine } from './template/engine.ts';

/** The SQL of a model or test, ready to run, and its SHA-256 in lower-case hexadecimal. */
export interface Compiled {
  readonly sql: string;
  readonly sha256: string;
}

/** Inputs of compiling one node. */
export interface CompileInput extends RenderInput {
  readonly layout: Layout;
  readonly is_incremental: boolean;
}

/**
 * The SQL of the model or singular test `name` for an instant, as a first build runs it, or as a later run of an
 * incremental model does.
 * @throws DbtProjectError, TemplateError; Error when there is no such node
 */
export const compile = (
  project: Project,
  name: string,
  input: Omit<RenderInput, 'project'> & { readonly is_incremental?: boolean },
): Compiled => {
  const node = findNode(project, name);
  if (node === null) throw new Error(`the dbt project has no model or test "${name}"`);
  const render = { ...input, project };
  return compileNode(node, {
    ...render,
    layout: layOut(render),
    is_incremental: input.is_incremental ?? false,
  });
};

const findNode = (project: Project, name: string): ProjectNode | null => {
  for (const node of [...project.models.values(), ...project.tests.values()]) if (node.name === name) return node;
  return null;
};

/** Compiles a node: its own SQL, with the ephemeral models that it reads before it. Errors as `compile`. */
export const compileNode = (node: ProjectNode, input: CompileInput): Compiled => {
  const ephemeral = ephemeralOf(node, input.project);
  const body = renderNode(node, input);
  const ctes = ephemeral.map(
    (model) =>
      `${quoted(ephemeralRelation(model.name))} as (\n${renderNode(model, { ...input, is_incremental: false })}\n)`,
  );
  // As a subquery a body may have a `with` of its own, and its SQL need not be read.
  const sql = ctes.length === 0 ? body : `with ${ctes.join(', ')}\nselect *\nfrom (\n${body}\n) as __dbt__body`;
  return { sql, sha256: createHash('sha256').update(sql).digest('hex') };
};

/** The ephemeral models that a node reads, directly or through others of them, each after what it reads. */
const ephemeralOf = (node: ProjectNode, { models }: Project): Model[] => {
  const parents = new Map<string, readonly string[]>();
  const add = (ids: readonly string[]): void => {
    for (const id of ids) {
      const model = models.get(id);
      if (model?.config.materialized !== 'ephemeral' || parents.has(id)) continue;
      const reads = model.depends_on.filter((parent) => models.get(parent)?.config.materialized === 'ephemeral');
      parents.set(id, reads);
      add(reads);
    }
  };
  add(node.depends_on);
  return topologicalOrder(parents).order.map((id) => models.get(id)!);
};

const renderNode = (node: ProjectNode, input: CompileInput): string => {
  const { project, target, at, layout } = input;
  const config: Record<string, unknown> = {};
  const find = (id: string, call: string): Relation => {
    const relation = layout.get(id);
    // A reference that parsing did not meet has no place in the graph: it could be read before it is built.
    if (relation === undefined || !node.depends_on.includes(id)) {
      throw new Error(`${call} was not reached when the project was parsed: call it outside of conditions on run`);
    }
    return relation;
  };
  const context = createContext({
    project_name: project.name,
    vars: { ...project.vars, ...input.vars },
    env: project.env,
    target,
    at,
    this: node.resource_type === 'model' ? (layout.get(node.unique_id) ?? null) : null,
    execute: true,
    is_incremental: input.is_incremental,
    ref: (name) => find(`model.${project.name}.${name}`, `ref('${name}')`),
    source: (source, table) => find(`source.${project.name}.${source}.${table}`, `source('${source}', '${table}')`),
    config: (keys) => void Object.assign(config, keys),
  });
  const sql = createEngine(
    context,
    project.macros.map(({ template }) => template),
  ).render(node.template);
  checkConfig(node, config);
  return sql;
};

/** Refuses a config() that differs from the one at parse time, because it depends on the target or on a var of the run. */
const checkConfig = (node: ProjectNode, keys: Readonly<Record<string, unknown>>): void => {
  if (isDeepStrictEqual(keys, node.config_call)) return;
  throw new Error('config() says something else than when the project was parsed: it must not hang on the run');
};
