import { Environment, Interpreter } from '@huggingface/jinja';
import { messageOf, TemplateError } from '../faults.ts';
import type { SyntaxNode } from './syntax.ts';
import { AT_LINE, macrosIn, OUTPUT, type Template } from './template.ts';
import { type JinjaValue, jinjaFunction, rawFunction, toJinja } from './values.ts';

/** Renders templates that share functions and macros. */
export interface Engine {
  /** The text of a template. Throws TemplateError with the line. */
  render(template: Template): string;
  /** The text that a macro returns for plain arguments. */
  callMacro(name: string, args: readonly unknown[]): string;
}

// Thrown by `return()` and caught by the macro that it stands in, as dbt does.
class MacroReturn extends Error {
  readonly value: JinjaValue;

  constructor(value: JinjaValue) {
    super('return() stands outside of a macro');
    this.value = value;
  }
}

const ENGINE_GLOBALS = { true: true, True: true, false: false, False: false, none: null, None: null };

/**
 * An engine whose templates see `globals` (Jinja values) and the macros of `macro_files`.
 * @throws TemplateError when a macro file cannot be evaluated
 */
export const createEngine = (
  globals: Readonly<Record<string, JinjaValue>>,
  macro_files: readonly Template[],
): Engine => {
  const root = new Environment();
  const interpreter = createInterpreter(root);
  let line = 0;
  for (const [name, value] of Object.entries(ENGINE_GLOBALS)) root.setVariable(name, toJinja(value));
  for (const [name, value] of Object.entries(globals)) root.setVariable(name, value);
  root.setVariable(
    'range',
    jinjaFunction(({ positional }) => range(positional)),
  );
  root.setVariable(
    'return',
    rawFunction(([value]) => {
      throw new MacroReturn(value ?? toJinja(null));
    }),
  );
  root.setVariable(
    AT_LINE,
    rawFunction(([value]) => {
      line = Number(value!.value);
      return toJinja('');
    }),
  );
  root.setVariable(
    OUTPUT,
    rawFunction(([, value]) => toJinja(textOf(value!))),
  );

  const withLocation = <T>(run: () => T): T => {
    line = 0;
    try {
      return run();
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      throw new TemplateError(messageOf(error), line === 0 ? null : line, error);
    }
  };
  for (const file of macro_files) {
    withLocation(() => interpreter.evaluate(file.program, root));
    for (const { name } of macrosIn(file)) bindMacro(root, name);
  }
  return {
    render: (template) =>
      withLocation(() => String(interpreter.evaluate(template.program, new Environment(root)).value)),
    callMacro: (name, args) =>
      withLocation(() => textOf((root.lookupVariable(name).value as MacroBody)(args.map(toJinja), root))),
  };
};

type MacroBody = (args: JinjaValue[], scope: Environment) => JinjaValue;

/** Gives a macro Jinja's scope (the file's, where the library gives the caller's) and dbt's `return()`. */
const bindMacro = (root: Environment, name: string): void => {
  const macro = root.lookupVariable(name);
  const body = macro.value as MacroBody;
  const bound: MacroBody = (args, scope) => {
    const own = new Environment(root);
    const caller = scope.variables.get('caller');
    if (caller !== undefined) own.setVariable('caller', caller);
    try {
      return body(args, own);
    } catch (error) {
      if (error instanceof MacroReturn) return error.value;
      throw error;
    }
  };
  (macro as { value: unknown }).value = bound;
};

/**
 * An interpreter whose `==` is Python's (the library's is JavaScript's, where `1 == '1'` and `0 == ''`), and in
 * which `x if y` without `else` is empty, as Jinja writes it, and not undefined.
 */
const createInterpreter = (root: Environment): Interpreter => {
  const interpreter = new Interpreter(root);
  const library = interpreter.evaluate.bind(interpreter);
  const evaluate: Evaluate = (node, scope) => {
    if (node?.type === 'BinaryExpression') {
      const { operator, left, right } = node as unknown as Binary;
      if (operator.value === '==' || operator.value === '!=') {
        return toJinja(isSame(evaluate(left, scope), evaluate(right, scope)) === (operator.value === '=='));
      }
    }
    if (node?.type === 'SelectExpression') {
      const { lhs, test } = node as unknown as Select;
      return evaluate(test, scope).__bool__().value ? evaluate(lhs, scope) : toJinja('');
    }
    return library(node as Parameters<Interpreter['evaluate']>[0], scope);
  };
  interpreter.evaluate = evaluate as Interpreter['evaluate'];
  return interpreter;
};

type Evaluate = (node: SyntaxNode | undefined, scope: Environment) => JinjaValue;

interface Binary {
  readonly operator: { readonly value: string };
  readonly left: SyntaxNode;
  readonly right: SyntaxNode;
}

interface Select {
  readonly lhs: SyntaxNode;
  readonly test: SyntaxNode;
}

const NUMBERS = ['IntegerValue', 'FloatValue', 'BooleanValue'];

const isSame = (left: JinjaValue, right: JinjaValue): boolean => {
  if (NUMBERS.includes(left.type) && NUMBERS.includes(right.type)) return Number(left.value) === Number(right.value);
  if (left.type !== right.type) return false;
  if (!Array.isArray(left.value) || !Array.isArray(right.value)) return left.value === right.value;
  const others = right.value as JinjaValue[];
  return (
    left.value.length === others.length && left.value.every((item: JinjaValue, at: number) => isSame(item, others[at]!))
  );
};

/** Text of `{{ value }}`: the same as Jinja's, if that can be SQL. */
const textOf = (value: JinjaValue): string => {
  switch (value.type) {
    case 'StringValue':
      return String(value.value);
    case 'IntegerValue':
      if (!Number.isSafeInteger(value.value))
        throw new RangeError(`the number ${value} is too large: write it as text`);
      return value.toString();
    case 'FloatValue':
      return value.toString();
    case 'BooleanValue':
      return value.value === true ? 'True' : 'False';
    case 'NullValue':
      return 'None';
    case 'UndefinedValue':
      throw new TypeError('the value is undefined');
    default:
      if (Object.hasOwn(value, 'toString')) return value.toString();
      throw new TypeError('a list, mapping or function cannot be written into SQL: join it or take a member');
  }
};

const range = (positional: readonly unknown[]): number[] => {
  const [start, stop, step] = positional.length === 1 ? [0, Number(positional[0]), 1] : positional.map(Number);
  const count = Math.max(0, Math.ceil((stop! - start!) / (step ?? 1)));
  return Array.from({ length: count }, (_, at) => start! + at * (step ?? 1));
};
