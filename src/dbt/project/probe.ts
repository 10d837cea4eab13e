import { isDeepStrictEqual } from 'node:util';
import { type ContextInput, createContext } from '../context.ts';
import { TemplateError } from '../faults.ts';
import { createEngine } from '../template/engine.ts';
import type { SyntaxNode } from '../template/syntax.ts';
import { childrenOf } from '../template/syntax.ts';
import type { Template } from '../template/template.ts';

/** References of a template, found by rendering it without a database. */
export interface Probe {
  readonly refs: readonly string[];
  readonly sources: readonly (readonly [string, string])[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** Shared inputs of all templates of a project. */
export type ProbeInput = Pick<ContextInput, 'project_name' | 'vars' | 'env'> & {
  readonly macros: readonly Template[];
};

// Parsing has neither target nor instant: what depends on them may change the SQL, never config or graph.
const PARSE_TARGET = { schema: 'target_schema' };
const PARSE_INSTANT = '1970-01-01T00:00:00Z';

const STATES = [false, true].flatMap((execute) => [false, true].map((is_incremental) => ({ execute, is_incremental })));

/**
 * Renders a template for each state of `execute` and `is_incremental()`, and collects its refs, sources and config.
 * @throws TemplateError when it cannot be rendered, or its config differs between the states
 */
export const probe = (template: Template, name: string, input: ProbeInput): Probe => {
  const refs = new Set<string>();
  const sources = new Map<string, readonly [string, string]>();
  const configs = STATES.map((state) => {
    const config: Record<string, unknown> = {};
    const context = createContext({
      ...input,
      ...state,
      target: PARSE_TARGET,
      at: PARSE_INSTANT,
      this: { schema: PARSE_TARGET.schema, identifier: name },
      ref: (model) => {
        refs.add(model);
        return { schema: PARSE_TARGET.schema, identifier: model };
      },
      source: (source, table) => {
        sources.set(`${source}.${table}`, [source, table]);
        return { schema: source, identifier: table };
      },
      config: (keys) => void Object.assign(config, keys),
    });
    createEngine(context, input.macros).render(template);
    return config;
  });
  const [config = {}] = configs;
  if (!configs.every((other) => isDeepStrictEqual(other, config))) {
    throw new TemplateError('config() must not depend on execute or is_incremental()', lineOfCall(template, 'config'));
  }
  return { refs: [...refs], sources: [...sources.values()], config };
};

/** The line of the first call of a function in a template. */
export const lineOfCall = (template: Template, name: string, argument?: string): number | null =>
  template.tags.find(({ node }) => hasCall(node, name, argument))?.tag.line ?? null;

/** The macros that a template calls itself. */
export const macrosCalled = (template: Template, macros: ReadonlySet<string>): string[] =>
  [...macros].filter((macro) => template.tags.some(({ node }) => hasCall(node, macro)));

const hasCall = (node: SyntaxNode, name: string, argument?: string): boolean => {
  const callee = node.callee as SyntaxNode | undefined;
  if (node.type === 'CallExpression' && callee?.type === 'Identifier' && callee.value === name) {
    const args = node.args as SyntaxNode[];
    if (argument === undefined || args.some((given) => given.value === argument)) return true;
  }
  return childrenOf(node).some((child) => hasCall(child, name, argument));
};
