import { parse, tokenize } from '@huggingface/jinja';
import { messageOf, TemplateError } from '../faults.ts';
import { scanTags } from './scan.ts';
import { type ParsedTag, parseTags, type SyntaxNode } from './syntax.ts';

type Program = ReturnType<typeof parse>;
type Token = ReturnType<typeof tokenize>[number];

/** A template that was read: its tags one by one, and the program that renders it. */
export interface Template {
  readonly source: string;
  readonly tags: readonly ParsedTag[];
  readonly program: Program;
}

/** The functions that a read template calls of the engine, beside those it names itself. */
export const OUTPUT = '__output';
export const AT_LINE = '__at_line';

/**
 * Reads a Jinja template as dbt does: white space is kept but for one newline at the end.
 * @throws TemplateError with its line
 */
export const readTemplate = (source: string): Template => {
  const tags = parseTags(source);
  try {
    return { source, tags, program: parse(instrument(tokenize(source), source)) };
  } catch (error) {
    throw new TemplateError(`cannot read the template: ${messageOf(error)}`, null, error);
  }
};

/** The names of the macros that a template defines. */
export const macrosIn = (template: Template): { name: string; line: number }[] =>
  template.tags
    .filter(({ node }) => node.type === 'Macro')
    .map(({ node, tag }) => ({ name: String((node.name as SyntaxNode).value), line: tag.line }));

/**
 * Makes `{{ x }}` say `{{ __output(__at_line(n), x) }}`, and puts `{{ __at_line(n) }}` before statements: so a
 * fault at run has a line, and a value without a sound text (undefined, a list) is refused, where the library
 * writes nothing or JSON.
 */
const instrument = (tokens: readonly Token[], source: string): Token[] => {
  const lines = linesOfTags(source);
  let next = 0;
  return tokens.flatMap((token) => {
    switch (token.type) {
      case 'OpenExpression':
        return [token, name(OUTPUT), of('(', 'OpenParen'), ...atLine(lines[next++]), of(',', 'Comma')];
      case 'CloseExpression':
        return [of(')', 'CloseParen'), token];
      case 'OpenStatement':
        return [of('{{', 'OpenExpression'), ...atLine(lines[next++]), of('}}', 'CloseExpression'), token];
      default:
        return [token];
    }
  });
};

const linesOfTags = (source: string): number[] => scanTags(source).map(({ line }) => line);

const atLine = (line = 0): Token[] => [
  name(AT_LINE),
  of('(', 'OpenParen'),
  of(String(line), 'NumericLiteral'),
  of(')', 'CloseParen'),
];

const of = (value: string, type: Token['type']): Token => ({ value, type });
const name = (value: string): Token => of(value, 'Identifier');
