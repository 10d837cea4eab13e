import { ancestorsOf, childrenOf, descendantsOf, type Parents } from './graph.ts';
import type { Project, ProjectNode } from './project/types.ts';

/**
 * The unique ids that dbt's selection syntax names: a space is a union, a comma an intersection, `+x` adds what x
 * reads, `x+` what reads x; x is the name of a model, a folder or a test, `tag:`, `path:`. Tests come along with
 * any model or source that they read (dbt's eager selection). Without a selection: everything.
 * https://docs.getdbt.com/reference/node-selection/syntax
 * @throws Error when a part cannot be read or names nothing
 */
export const selectNodes = (project: Project, selection: string | readonly string[] | undefined): Set<string> => {
  const nodes: ProjectNode[] = [...project.models.values(), ...project.tests.values()];
  const words = (typeof selection === 'string' ? [selection] : (selection ?? [])).flatMap((text) =>
    text.trim().split(/\s+/),
  );
  if (words.length === 0) return new Set(nodes.map(({ unique_id }) => unique_id));
  const parents = parentsOf(project);
  const chosen = new Set<string>();
  for (const word of words) {
    const sets = word.split(',').map((part) => selectPart(part, nodes, parents));
    const [first = new Set<string>(), ...others] = sets;
    const matched = [...first].filter((id) => others.every((set) => set.has(id)));
    for (const id of withTests(matched, project)) chosen.add(id);
  }
  return chosen;
};

/** Readers and inputs of models, tests and sources. */
export const parentsOf = ({ models, tests, sources }: Project): Parents =>
  new Map([
    ...[...sources.keys()].map((id): [string, readonly string[]] => [id, []]),
    ...[...models, ...tests].map(([id, { depends_on }]): [string, readonly string[]] => [id, depends_on]),
  ]);

const PART = /^(\+)?(?:(\w+):)?([^+:]+)(\+)?$/;

const selectPart = (part: string, nodes: readonly ProjectNode[], parents: Parents): Set<string> => {
  const match = PART.exec(part);
  if (match === null) throw new Error(`the selector "${part}" cannot be read`);
  const [, before, method, value = '', after] = match;
  const named = nodes.filter(matcher(method, value, part)).map(({ unique_id }) => unique_id);
  if (named.length === 0) throw new Error(`the selector "${part}" names nothing`);
  const chosen = new Set(named);
  for (const id of named) {
    if (before !== undefined) for (const ancestor of ancestorsOf(id, parents)) chosen.add(ancestor);
    if (after !== undefined) for (const descendant of descendantsOf(id, parents)) chosen.add(descendant);
  }
  return chosen;
};

const matcher = (method: string | undefined, value: string, part: string): ((node: ProjectNode) => boolean) => {
  switch (method) {
    case undefined:
    case 'fqn':
      return ({ name, fqn }) =>
        name === value || startsWith(fqn, value.split('.')) || startsWith(fqn.slice(1), value.split('.'));
    case 'tag':
      return ({ config }) => config.tags.includes(value);
    case 'path':
      return ({ original_file_path }) => {
        const path = value.replace(/^\.\//, '').replace(/\/$/, '');
        return original_file_path === path || original_file_path.startsWith(`${path}/`);
      };
    default:
      throw new Error(`the selector "${part}" is not supported: its method is none of fqn, tag, path`);
  }
};

const startsWith = (fqn: readonly string[], parts: readonly string[]): boolean =>
  parts.every((part, at) => fqn[at] === part);

/** The chosen nodes and the tests that read one of them. */
const withTests = (chosen: readonly string[], project: Project): Set<string> => {
  const all = new Set(chosen);
  const children = childrenOf(new Map([...project.tests].map(([id, test]) => [id, test.depends_on])));
  for (const id of chosen) for (const test of children.get(id) ?? []) all.add(test);
  for (const id of project.sources.keys()) all.delete(id);
  return all;
};
