import { posix } from 'node:path';

/** By room: the rooms, or the single files of a room, that it may import besides itself; `all` is every room. */
export type ImportTable = Readonly<Record<string, readonly string[]>>;

/** Path from the project's root, with `/`, to text. */
export type SourceFiles = ReadonlyMap<string, string>;

const LONGEST_FILE_LINES = 400;
const CATCH_ALLS: ReadonlySet<string> = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc']);
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|generated|schema|d))?\.ts$/;
const KEBAB_FOLDER = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Every breach of the house's rules in these files, each with its file and what is wrong. */
export const findBreaches = (files: SourceFiles, table: ImportTable): string[] => {
  const imports = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]));
  return [
    ...[...imports].flatMap(([path, targets]) =>
      targets.flatMap((target) => edgeBreach(path, target, table)),
    ),
    ...findCycles(imports),
    ...[...files].flatMap(([path, text]) => [...nameBreaches(path), ...textBreaches(path, text)]),
  ];
};

// Anchored at a statement's start: sources are formatted, so that each import begins its line. `import(…)` stands
// anywhere, as an expression and as a type.
const STATIC_IMPORT = /^[ \t]*(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm;
const BARE_IMPORT = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\b(?:import|require)\s*\(\s*(?:(['"`])([^'"`$]+)\1)?/g;

/** What stands for a dynamic import whose target only a run could tell. */
const UNKNOWN_TARGET = '(computed)';

/** What a file imports, types included: paths of our own files from the root, else the package's name as written. */
const importsOf = (path: string, text: string): string[] => {
  const specifiers = [
    ...[...text.matchAll(STATIC_IMPORT), ...text.matchAll(BARE_IMPORT)].map(([, specifier]) => specifier!),
    ...[...text.matchAll(DYNAMIC_IMPORT)].map(([, , specifier]) => specifier ?? UNKNOWN_TARGET),
  ];
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
  );
};

const roomOf = (path: string): string => {
  const [top, second] = path.split('/');
  if (top !== 'src') return top!;
  return second === 'main.ts' ? 'main' : second!;
};

const isOurs = (target: string): boolean =>
  target.startsWith('../') || /^[a-z]+\/.*\.(ts|json)$/.test(target);

const edgeBreach = (path: string, target: string, table: ImportTable): string[] => {
  const room = roomOf(path);
  if (room === 'test' || room === 'bench') return [];
  const allowed = table[room];
  if (allowed === undefined) return [`${path}: ${room} is not a room of the house`];
  if (target === UNKNOWN_TARGET) return [`${path}: imports what cannot be told before it runs`];
  if (!isOurs(target)) return packageBreach(path, room, target);
  if (roomOf(target) === room || allowed.includes('all')) return [];
  if (allowed.some((entry) => entry === roomOf(target) || `src/${entry}` === target)) return [];
  return [`${path}: ${room} may not import ${target}`];
};

const KNEX_FILE = 'src/core/migrate.ts';
const KOA_ROOMS: ReadonlySet<string> = new Set(['http', 'control', 'gateway', 'main']);

const packageBreach = (path: string, room: string, target: string): string[] => {
  if (target === 'knex' && room !== 'migrations' && room !== 'seeds' && path !== KNEX_FILE) {
    return [`${path}: knex belongs to migrations, seeds and ${KNEX_FILE}`];
  }
  if (/^(koa|@koa\/.*)$/.test(target) && !KOA_ROOMS.has(room)) return [`${path}: ${room} knows no Koa`];
  if (room === 'gateway' && target === 'postgres') return [`${path}: the gateway runs no SQL`];
  return [];
};

const findCycles = (imports: ReadonlyMap<string, readonly string[]>): string[] => {
  const done = new Set<string>();
  const breaches: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) breaches.push(`import cycle: ${[...trail.slice(at), path].join(' → ')}`);
    if (at !== -1 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return breaches;
};

const nameBreaches = (path: string): string[] => {
  const parts = path.split('/');
  const name = parts.pop()!;
  const breaches: string[] = [];
  for (const part of [...parts, name.split('.')[0]!]) {
    if (CATCH_ALLS.has(part)) breaches.push(`${path}: ${part} says nothing; name it after what it is`);
  }
  const is_kebab =
    parts.every((part) => KEBAB_FOLDER.test(part)) && (!name.endsWith('.ts') || KEBAB.test(name));
  if (!is_kebab) breaches.push(`${path}: the name is not kebab-case`);
  return breaches;
};

// By its name, as a member of anything (`globalThis.process.env`), computed, taken apart, or from its module.
const ENVIRONMENT = [
  /\bprocess\s*(?:\?\.|\.)\s*env\b/,
  /\bprocess\s*(?:\?\.)?\[\s*['"`]env/,
  /\{[^{}]*\benv\b[^{}]*\}\s*=\s*(?:globalThis\.)?process\b(?!\s*[.([?])/,
  /\bfrom\s*['"](?:node:)?process['"]/,
];
const DEFAULT_EXPORT = /^[ \t]*export\s+(?:default\b|\{[^}]*\bas\s+default\b)/m;

const textBreaches = (path: string, text: string): string[] => {
  if (!path.endsWith('.ts')) return [];
  const breaches: string[] = [];
  const is_program = roomOf(path) === 'test' || roomOf(path) === 'bench';
  if (!is_program && path !== 'src/main.ts' && ENVIRONMENT.some((form) => form.test(text))) {
    breaches.push(`${path}: only src/main.ts reads the environment`);
  }
  if (DEFAULT_EXPORT.test(text)) breaches.push(`${path}: has a default export`);
  const lines = text.trimEnd().split('\n').length;
  if (!path.endsWith('.generated.ts') && lines > LONGEST_FILE_LINES) {
    breaches.push(`${path}: ${lines} lines, more than ${LONGEST_FILE_LINES}`);
  }
  return breaches;
};
