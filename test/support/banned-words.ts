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

/** Relative pronouns that must not begin a doc comment: the noun comes first. "When" also begins plain sentences. */
const RELATIVE_START = /^(?:What|Whatever|Whether|Where|Wherever|Which|Whichever|Who|Whom|Whose|Why|How|That)\b/;

const PHRASE = new RegExp(`\\b(?:${BANNED_PHRASES.map((phrase) => phrase.replace(' ', '\\s+')).join('|')})\\b`, 'gi');
const NAMES: ReadonlySet<string> = new Set(BANNED_NAMES);
const TITLED: ReadonlySet<string> = new Set(['describe', 'it']);

/**
 * Every banned phrase, name and start of a doc comment in a file, each with the path and the line.
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
    ...comments.filter(isDocComment).flatMap((comment) => relativeStartsIn(path, text, comment)),
    ...names.map(({ name, start }) => `${path}:${lineOf(text, start)}: the name ${name}`),
  ];
};

const phrasesIn = (path: string, text: string, { start, end }: Span): string[] =>
  [...text.slice(start, end).matchAll(PHRASE)].map(
    ({ 0: phrase, index }) => `${path}:${lineOf(text, start + index)}: the phrase "${phrase}"`,
  );

const isDocComment = ({ type, value }: { readonly type: string; readonly value: string }): boolean =>
  type === 'Block' && value.startsWith('*');

const relativeStartsIn = (
  path: string,
  text: string,
  { value, start }: { readonly value: string } & Span,
): string[] => {
  const lead = /^[*\s]*/.exec(value)![0];
  const [word] = RELATIVE_START.exec(value.slice(lead.length)) ?? [];
  // A comment's value begins after its slash and star.
  return word === undefined
    ? []
    : [`${path}:${lineOf(text, start + 2 + lead.length)}: the doc comment begins with "${word}"`];
};

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;
