import { TemplateError } from '../faults.ts';

/** One Jinja tag of a template. `text` is what stands between the delimiters, without `-` and outer white space. */
export interface Tag {
  readonly kind: 'expression' | 'statement';
  readonly text: string;
  readonly line: number;
}

const OPENING = /\{[{%#]/g;

/**
 * The expression and statement tags of a template in document order; comments are left out. The Jinja library
 * keeps no positions, so this is where line numbers come from.
 * @throws TemplateError when a tag or a comment is not closed
 */
export const scanTags = (source: string): Tag[] => {
  const tags: Tag[] = [];
  const lineAt = createLineCounter(source);
  OPENING.lastIndex = 0;
  for (let match = OPENING.exec(source); match !== null; match = OPENING.exec(source)) {
    const line = lineAt(match.index);
    const inner = match.index + 2;
    if (match[0] === '{#') {
      const end = source.indexOf('#}', inner);
      if (end < 0) throw new TemplateError('the comment {# is never closed', line);
      OPENING.lastIndex = end + 2;
      continue;
    }
    const kind = match[0] === '{{' ? 'expression' : 'statement';
    const end = findClose(source, inner, kind);
    if (end < 0) throw new TemplateError(`${match[0]} is never closed`, line);
    tags.push({ kind, text: source.slice(inner, end).replace(/^-|-$/g, '').trim(), line });
    OPENING.lastIndex = end + 2;
  }
  return tags;
};

/** End of the tag that opened before `start`: the position of `}}` or `%}` outside strings and braces, or -1. */
const findClose = (source: string, start: number, kind: Tag['kind']): number => {
  const close = kind === 'expression' ? '}}' : '%}';
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const char = source[at]!;
    if (char === "'" || char === '"') {
      at = endOfString(source, at);
      if (at < 0) return -1;
    } else if (depth === 0 && source.startsWith(close, at)) {
      return at;
    } else if (char === '{') {
      depth++;
    } else if (char === '}') {
      depth--;
    }
  }
  return -1;
};

const endOfString = (source: string, start: number): number => {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[start]) return at;
  }
  return -1;
};

const createLineCounter = (source: string): ((position: number) => number) => {
  let line = 1;
  let counted = 0;
  return (position) => {
    for (; counted < position; counted++) if (source[counted] === '\n') line++;
    return line;
  };
};
