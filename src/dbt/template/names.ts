import type { Fault } from '../faults.ts';
import { childrenOf, type ParsedTag, type SyntaxNode } from './syntax.ts';

// The filters that the Jinja library has; it finds an unknown one only when it gets there.
const FILTERS = new Set(
  `abs bool capitalize default dictsort first float indent int items join keys last length list lower map rejectattr
   replace reverse safe selectattr sort string title tojson trim unique upper values`.split(/\s+/),
);
const TESTS = new Set(
  `boolean callable odd even false true none string number integer iterable mapping sequence lower upper defined
   undefined equalto eq`.split(/\s+/),
);
const CONSTANTS = ['true', 'false', 'none', 'True', 'False', 'None', 'range', 'namespace'];

/**
 * Unknown names of a template: functions, variables, filters and tests. A name that is used only with `is defined` or
 * `| default` may be unknown.
 * @param known the functions, variables and macros that the template gets
 */
export const findUnknownNames = (tags: readonly ParsedTag[], known: ReadonlySet<string>, file: string): Fault[] => {
  const local = new Set([...CONSTANTS, 'loop', 'caller', 'varargs', 'kwargs']);
  for (const { node } of tags) for (const name of declaredBy(node)) local.add(name);
  const faults: Fault[] = [];
  for (const { tag, node } of tags) {
    const add = (message: string): void => void faults.push({ file, line: tag.line, message });
    for (const name of declaredBy(node)) {
      // Macros see what their caller sees, so a local name must not hide one that a macro relies on.
      if (known.has(name) && node.type !== 'Macro') add(`"${name}" is the name of a function or macro: choose another`);
    }
    visit(
      node,
      (name, is_call) => {
        if (known.has(name) || local.has(name)) return;
        add(is_call ? `the function or macro ${name}() is not known` : `the name "${name}" is not known`);
      },
      add,
    );
  }
  return faults;
};

/** The names that a tag itself brings in. */
const declaredBy = (node: SyntaxNode): string[] => {
  switch (node.type) {
    case 'Set':
      return identifiersOf(node.assignee as SyntaxNode);
    case 'For':
      return identifiersOf(node.loopvar as SyntaxNode);
    case 'Macro':
      return (node.args as SyntaxNode[]).map(parameterName);
    case 'CallStatement':
      return ((node.callerArgs as SyntaxNode[] | null) ?? []).map(parameterName);
    default:
      return [];
  }
};

const identifiersOf = (node: SyntaxNode): string[] => {
  if (node.type === 'Identifier') return [String(node.value)];
  return node.type === 'TupleLiteral' ? (node.value as SyntaxNode[]).flatMap(identifiersOf) : [];
};

const parameterName = (node: SyntaxNode): string =>
  String(node.type === 'Identifier' ? node.value : (node.key as SyntaxNode).value);

type OnName = (name: string, is_call: boolean) => void;

const visit = (node: SyntaxNode, onName: OnName, add: (message: string) => void): void => {
  const go = (next: SyntaxNode): void => visit(next, onName, add);
  switch (node.type) {
    case 'Identifier':
      onName(String(node.value), false);
      break;
    case 'CallExpression': {
      const callee = node.callee as SyntaxNode;
      if (callee.type === 'Identifier') onName(String(callee.value), true);
      else go(callee);
      (node.args as SyntaxNode[]).forEach(go);
      break;
    }
    case 'MemberExpression':
      go(node.object as SyntaxNode);
      if (node.computed === true) go(node.property as SyntaxNode);
      break;
    case 'KeywordArgumentExpression':
      go(node.value as SyntaxNode);
      break;
    case 'TestExpression':
      visitTest(node, go, add);
      break;
    case 'FilterExpression':
    case 'FilterStatement':
      visitFilter(node, go, add);
      break;
    case 'Set':
      if ((node.assignee as SyntaxNode).type === 'MemberExpression') go(node.assignee as SyntaxNode);
      if (node.value !== null) go(node.value as SyntaxNode);
      break;
    case 'For':
      go(node.iterable as SyntaxNode);
      break;
    case 'Macro':
      (node.args as SyntaxNode[]).filter((argument) => argument.type !== 'Identifier').forEach(go);
      break;
    default:
      childrenOf(node).forEach(go);
  }
};

const visitTest = (node: SyntaxNode, go: (next: SyntaxNode) => void, add: (message: string) => void): void => {
  const test = String((node.test as SyntaxNode).value);
  if (!TESTS.has(test)) add(`the test "is ${test}" is not supported`);
  const operand = node.operand as SyntaxNode;
  if (!(operand.type === 'Identifier' && (test === 'defined' || test === 'undefined'))) go(operand);
};

const visitFilter = (node: SyntaxNode, go: (next: SyntaxNode) => void, add: (message: string) => void): void => {
  const filter = node.filter as SyntaxNode;
  const callee = filter.type === 'CallExpression' ? (filter.callee as SyntaxNode) : filter;
  const name = String(callee.value);
  if (!FILTERS.has(name)) add(`the filter "${name}" is not supported`);
  if (filter.type === 'CallExpression') (filter.args as SyntaxNode[]).forEach(go);
  const operand = node.operand as SyntaxNode | undefined;
  if (operand !== undefined && !(operand.type === 'Identifier' && name === 'default')) go(operand);
};
