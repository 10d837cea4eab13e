import { parseSync, Visitor } from 'oxc-parser';

/** Phrases of a private style. They are banned in comments, test titles and documents. */
export const BANNED_PHRASES = ['whoever', 'is none', 'told', 'untold', 'of which'] as const;

/** Identifiers of a private vocabulary. They are banned as whole names; words of the field replace them. */
export const BANNED_NAMES = [
  'ask',
  'wish',
  'purse',
  'payers',
  'losses',
  'lossy',
  'dialect',
  'tally',
  'keeper',
  'teller',
  'rivals',
] as const;

const PHRASE = new RegExp(`\\b(?:${BANNED_PHRASES.map((phrase) => phrase.replace(' ', '\\s+')).join('|')})\\b`, 'gi');
const NAMES: ReadonlySet<string> = new Set(BANNED_NAMES);
const TITLED: ReadonlySet<string> = new Set(['describe', 'it']);

/**
 * Every banned phrase and name in a file, each with the path and the line.
 * @param path a Markdown file is checked as a document; any other file is parsed as TypeScript or JavaScript
 */
export const findBannedWords = (path: string, text: string): string[] =>
  path.endsWith('.md') ? phrasesIn(path, text, { start: 0, end: text.length }) : findInSource(path, text);

interface Span {
  readonly start: number;
  readonly end: number;
}

const findInSource = (path: string, text: string): string[] => {
  // Every `.mjs` file is also valid TypeScript.
  const { program, comments, errors } = parseSync(`${path}.ts`, text, { range: false });
  if (errors.length > 0) return [`${path}: cannot be parsed: ${errors[0]!.message}`];
  const titles: Span[] = [];
  const names: { name: string; start: number }[] = [];
  new Visitor({
    CallExpression: ({ callee, arguments: given }) => {
      const [title] = given;
      const called = callee.type === 'MemberExpression' ? callee.object : callee;
      if (title !== undefined && called.type === 'Identifier' && TITLED.has(called.name)) titles.push(title);
    },
    Identifier: ({ name, start }) => {
      if (NAMES.has(name)) names.push({ name, start });
    },
  }).visit(program);
  return [
    ...[...comments, ...titles].flatMap((span) => phrasesIn(path, text, span)),
    ...names.map(({ name, start }) => `${path}:${lineOf(text, start)}: the name ${name}`),
  ];
};

const phrasesIn = (path: string, text: string, { start, end }: Span): string[] =>
  [...text.slice(start, end).matchAll(PHRASE)].map(
    ({ 0: phrase, index }) => `${path}:${lineOf(text, start + index)}: the phrase "${phrase}"`,
  );

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;
