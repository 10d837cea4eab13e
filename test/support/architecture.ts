import { posix } from 'node:path';

/** The import rules between the folders ("rooms") of the project. */
export interface House {
  /** Groups of rooms. Each may import itself and every group to its left. */
  readonly chain: readonly (readonly string[])[];
  /** Rooms outside the chain, with the rooms or files that each of them may import. */
  readonly outside: Readonly<Record<string, readonly string[]>>;
  /** Pairs of rooms, or of a room and a file, that are forbidden although the chain allows them. */
  readonly forbidden: readonly (readonly [from: string, to: string])[];
  /** Single files of a forbidden room that a room may import nevertheless. */
  readonly except: Readonly<Record<string, readonly string[]>>;
}

/** Path from the project's root, with `/`, to text. */
export type SourceFiles = ReadonlyMap<string, string>;

const LONGEST_FILE_LINES = 400;
const CATCH_ALLS: ReadonlySet<string> = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc']);
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|full|job|generated|schema|d))?\.ts$/;
const KEBAB_FOLDER = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** All breaches of the rules in these files, each with its file and the fault. */
export const findBreaches = (files: SourceFiles, house: House): string[] => {
  const imports = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]));
  return [
    ...[...imports].flatMap(([path, targets]) => targets.flatMap((target) => edgeBreach(path, target, house))),
    ...findCycles(imports),
    ...[...files].flatMap(([path, text]) => [...nameBreaches(path), ...textBreaches(path, text)]),
  ];
};

// Anchored at the start of a statement, because formatted imports start a line. `import(…)` may appear anywhere, as
// an expression and as a type.
const STATIC_IMPORT = /^[ \t]*(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm;
const BARE_IMPORT = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\b(?:import|require)\s*\(\s*(?:(['"`])([^'"`$]+)\1)?/g;

/** Placeholder for a dynamic import whose target is known at run time only. */
const UNKNOWN_TARGET = '(computed)';

/** The imports of a file, types included: paths of our own files from the root, or names of packages. */
export const importsOf = (path: string, text: string): string[] => {
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
  return top === 'src' ? second! : top!;
};

const isOurs = (target: string): boolean => target.startsWith('../') || /^[a-z]+\/.*\.(ts|json|mjs)$/.test(target);

const isFreeToImport = (room: string): boolean => room === 'test' || room === 'bench';

const edgeBreach = (path: string, target: string, house: House): string[] => {
  const room = roomOf(path);
  if (isFreeToImport(room)) return [];
  const allowed = allowedRooms(room, house);
  if (allowed === null) return [`${path}: ${room} is not a room of the house`];
  // The database selects the migrations; they may import no code of the product.
  if (target === UNKNOWN_TARGET && path === KNEX_FILE) return [];
  if (target === UNKNOWN_TARGET) return [`${path}: imports a computed path, which cannot be checked`];
  if (!isOurs(target)) return packageBreach(path, room, target);
  const to = roomOf(target);
  if (to === room) return room === 'modules' ? moduleBreach(path, target) : [];
  if (house.except[room]?.includes(target)) return [];
  const is_forbidden = house.forbidden.some(([from, what]) => from === room && what === to);
  if (!is_forbidden && (allowed.includes(to) || allowed.includes(target))) return [];
  return [`${path}: ${room} may not import ${target}`];
};

/** The rooms that a room may import besides itself; null for an unknown room. */
const allowedRooms = (room: string, { chain, outside }: House): readonly string[] | null => {
  if (outside[room] !== undefined) return outside[room];
  const place = chain.findIndex((group) => group.includes(room));
  return place === -1 ? null : chain.slice(0, place + 1).flat();
};

/** A module is imported through its service.ts; only the list of routes may import other files. */
const moduleBreach = (path: string, target: string): string[] => {
  const [from, to] = [path, target].map((each) => each.split('/').slice(2));
  const is_shared = to!.length === 1;
  if (is_shared || path === 'src/modules/routes.ts' || from![0] === to![0]) return [];
  if (to![1] === 'service.ts') return [];
  return [`${path}: a module is imported through its service.ts, not ${target}`];
};

const KNEX_FILE = 'src/postgres/migrate.ts';
const KOA_ROOMS: ReadonlySet<string> = new Set(['http', 'resources', 'modules', 'gateway', 'server']);

const packageBreach = (path: string, room: string, target: string): string[] => {
  if (target === 'knex' && room !== 'migrations' && room !== 'seeds' && path !== KNEX_FILE) {
    return [`${path}: knex belongs to migrations, seeds and ${KNEX_FILE}`];
  }
  if (/^(koa|@koa\/.*)$/.test(target) && !KOA_ROOMS.has(room)) return [`${path}: ${room} knows no Koa`];
  if (room === 'gateway' && target === 'postgres') return [`${path}: the gateway runs no SQL`];
  if (room === 'verifier' && !target.startsWith('node:')) return [`${path}: the verifier has no dependency`];
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
  const is_kebab = parts.every((part) => KEBAB_FOLDER.test(part)) && (!name.endsWith('.ts') || KEBAB.test(name));
  if (name === 'index.ts') breaches.push(`${path}: name it after its main export`);
  if (!is_kebab) breaches.push(`${path}: the name is not kebab-case`);
  return breaches;
};

const ENVIRONMENT_FILE = 'src/server/config.ts';
// By its name, as a member of any object (`globalThis.process.env`), computed, destructured, or from its module.
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
  if (!isFreeToImport(roomOf(path)) && path !== ENVIRONMENT_FILE && ENVIRONMENT.some((form) => form.test(text))) {
    breaches.push(`${path}: only ${ENVIRONMENT_FILE} reads the environment`);
  }
  if (DEFAULT_EXPORT.test(text)) breaches.push(`${path}: has a default export`);
  const lines = text.trimEnd().split('\n').length;
  if (!path.endsWith('.generated.ts') && lines > LONGEST_FILE_LINES) {
    breaches.push(`${path}: ${lines} lines, more than ${LONGEST_FILE_LINES}`);
  }
  return breaches;
};
