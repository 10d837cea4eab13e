import { parse, tokenize } from '@huggingface/jinja';
import { messageOf, TemplateError } from '../faults.ts';
import { scanTags, type Tag } from './scan.ts';

/** A node of the Jinja library's syntax tree, whose classes it does not export. */
export interface SyntaxNode {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A tag that begins something (not `else` or `end…`), with the tree of that tag alone. */
export interface ParsedTag {
  readonly tag: Tag;
  readonly node: SyntaxNode;
}

const CLOSED_BY: Readonly<Record<string, string>> = {
  if: 'endif',
  for: 'endfor',
  macro: 'endmacro',
  call: 'endcall',
  filter: 'endfilter',
  set: 'endset',
};
const BRANCHES: Readonly<Record<string, readonly string[]>> = { elif: ['if'], else: ['if', 'for'] };
const SINGLE = ['break', 'continue'];

/**
 * Each tag of a template, parsed alone, so that a fault has the line of its tag. Checks that blocks are closed in order
 * and that the Jinja library supports every statement.
 * @throws TemplateError at the first faulty tag
 */
export const parseTags = (source: string): ParsedTag[] => {
  const open: { keyword: string; line: number }[] = [];
  const parsed: ParsedTag[] = [];
  for (const tag of scanTags(source)) {
    if (tag.kind === 'expression') {
      parsed.push({ tag, node: parseAlone(`{{ ${tag.text} }}`, tag) });
      continue;
    }
    const keyword = /^\w*/.exec(tag.text)![0];
    const top = open.at(-1);
    if (keyword in BRANCHES) {
      if (top === undefined || !BRANCHES[keyword]!.includes(top.keyword)) {
        throw new TemplateError(
          `{% ${keyword} %} stands outside of {% ${BRANCHES[keyword]!.join(' %} and {% ')} %}`,
          tag.line,
        );
      }
      if (keyword === 'elif') parsed.push({ tag, node: parseAlone(`{% ${tag.text.slice(2)} %}{% endif %}`, tag) });
    } else if (keyword.startsWith('end')) {
      if (top === undefined || CLOSED_BY[top.keyword] !== tag.text) {
        const expected = top === undefined ? 'nothing is open' : `{% ${top.keyword} %} of line ${top.line} is open`;
        throw new TemplateError(`{% ${tag.text} %} closes nothing: ${expected}`, tag.line);
      }
      open.pop();
    } else {
      const { node, is_block } = parseOpening(tag, keyword);
      parsed.push({ tag, node });
      if (is_block) open.push({ keyword, line: tag.line });
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw new TemplateError(`{% ${unclosed.keyword} %} is never closed`, unclosed.line);
  return parsed;
};

const parseOpening = (tag: Tag, keyword: string): { node: SyntaxNode; is_block: boolean } => {
  if (SINGLE.includes(keyword)) return { node: parseAlone(`{% ${tag.text} %}`, tag), is_block: false };
  const end = CLOSED_BY[keyword];
  if (end === undefined) throw new TemplateError(`the statement {% ${keyword} %} is not supported`, tag.line);
  // `set x = 1` has no end tag, `set x` has one.
  const is_block = keyword !== 'set' || !/^set[\s\w.,]*=/.test(tag.text);
  return { node: parseAlone(`{% ${tag.text} %}${is_block ? `{% ${end} %}` : ''}`, tag), is_block };
};

const parseAlone = (source: string, tag: Tag): SyntaxNode => {
  try {
    const [node] = parse(tokenize(source)).body;
    if (node === undefined) throw new Error('the tag is empty');
    return node as unknown as SyntaxNode;
  } catch (error) {
    const shown = tag.kind === 'expression' ? `{{ ${tag.text} }}` : `{% ${tag.text} %}`;
    throw new TemplateError(`cannot read ${shown}: ${messageOf(error)}`, tag.line, error);
  }
};

/** The nodes directly below `node`, in document order. */
export const childrenOf = (node: SyntaxNode): SyntaxNode[] =>
  // An operator is a token, whose type "Identifier" (`not`, `in`) is no name.
  Object.entries(node).flatMap(([field, value]) => (field === 'operator' ? [] : nodesIn(value)));

const nodesIn = (value: unknown): SyntaxNode[] => {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (value instanceof Map) return [...value].flatMap(nodesIn);
  return isNode(value) ? [value] : [];
};

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && 'type' in value && Object.getPrototypeOf(value) !== Object.prototype;
