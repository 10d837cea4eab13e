import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBreaches, type House } from './support/architecture.ts';
import { findBannedWords } from './support/banned-words.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const HOUSE: House = {
  chain: [
    ['core'],
    ['postgres', 'http', 'keys', 'journal'],
    ['vault'],
    ['audit'],
    ['dbt'],
    ['pricing'],
    ['catalog'],
    ['providers', 'resources'],
    ['gateway', 'modules'],
    ['jobs'],
    ['server', 'cli'],
  ],
  outside: {
    sandbox: ['core'],
    migrations: [],
    seeds: ['src/providers/compatible-providers.json', 'src/pricing/price-units.ts', 'src/vault/recorded-insert.ts'],
    verifier: [],
  },
  forbidden: [
    ['gateway', 'modules'],
    ['modules', 'gateway'],
    ['gateway', 'postgres'],
    ['gateway', 'vault'],
    ['gateway', 'audit'],
    ['gateway', 'dbt'],
    ['gateway', 'catalog'],
    ['gateway', 'resources'],
  ],
  except: {
    gateway: ['src/catalog/snapshot.ts'],
    server: ['src/sandbox/server.ts'],
    cli: ['seeds/catalog/catalog.ts', 'seeds/writing/price-book.ts', 'verifier/onevault-verify.mjs'],
  },
};

describe('the architecture', () => {
  it('holds: rooms import only the rooms that they may, without a cycle, and names and sizes follow the rules', () => {
    const files = readSources();
    assert.ok(files.size > 200, `${files.size} files were found`);
    assert.deepEqual(findBreaches(files, HOUSE), []);
  });

  it('has every room that the table names', () => {
    const found = new Set([...readSources().keys()].map((path) => path.split('/').slice(0, 2).join('/')));
    const missing = [...HOUSE.chain.flat(), ...Object.keys(HOUSE.outside)].filter(
      (room) => ![...found].some((path) => path.split('/').includes(room)),
    );
    assert.deepEqual(missing, []);
  });
});

describe('the words of the project', () => {
  it('include no banned phrase, no banned name and no relative clause at the start of a doc comment', () => {
    const files = [...readSources(), ...readDocuments()].filter(([path]) => /\.(ts|mjs|md)$/.test(path));
    assert.ok(files.length > 200, `${files.length} files were found`);
    assert.deepEqual(
      files.flatMap(([path, text]) => findBannedWords(path, text)),
      [],
    );
    // Bounds a hang only: parsing every file takes seconds.
  }).timeout(600_000);
});

describe('the check of the words', () => {
  const wordsIn = (path: string, text: string): string[] => findBannedWords(path, text);

  it('finds each banned phrase in comments of every form, in any case and across lines', () => {
    assert.deepEqual(wordsIn('a.ts', '// Whoever is told.\nconst a = 1; // none of which'), [
      'a.ts:1: the phrase "Whoever"',
      'a.ts:1: the phrase "told"',
      'a.ts:2: the phrase "of which"',
    ]);
    assert.equal(wordsIn('a.mjs', '/** There\n * is none of it. */\nexport const a = 1;').length, 1);
    assert.equal(wordsIn('a.ts', '/* where there is\n none, untold */').length, 2);
  });

  it('finds banned phrases in titles of tests and in documents', () => {
    const title = ['is', 'told'].join(' ');
    assert.deepEqual(wordsIn('a.ts', `describe('a', () => {\n  it.only('${title}', () => {});\n});`), [
      'a.ts:2: the phrase "told"',
    ]);
    assert.equal(wordsIn('a.ts', `describe(\`\${x} ${title}\`, function () {});`).length, 1);
    assert.deepEqual(wordsIn('a.md', `# A\n\nA client ${title} it.`), ['a.md:3: the phrase "told"']);
  });

  it('finds banned names as whole identifiers, and as no part of others', () => {
    assert.deepEqual(wordsIn('a.ts', 'const ask = (a: { tally: Dialect }) => a.tally;\nsession.keeper();'), [
      'a.ts:1: the name ask',
      'a.ts:1: the name tally',
      'a.ts:1: the name tally',
      'a.ts:2: the name keeper',
    ]);
    assert.deepEqual(wordsIn('a.ts', 'const task = askAgain + tallyOf(losses_of, "ask", { "tally": 1 });'), []);
  });

  it('finds doc comments that begin with a relative clause, of one line and of several', () => {
    assert.deepEqual(
      wordsIn('a.ts', '/** Whether it is so. */\nexport const a = 1;\n/**\n * What it is.\n */\nlet b;'),
      ['a.ts:1: the doc comment begins with "Whether"', 'a.ts:4: the doc comment begins with "What"'],
    );
    for (const word of ['Where', 'Which', 'Who', 'Whose', 'Whom', 'How', 'Why', 'That', 'Whatever']) {
      assert.equal(wordsIn('a.mjs', `interface A {\n  /** ${word} it is. */\n  a: 1;\n}`).length, 1, word);
    }
  });

  it('accepts doc comments with the noun first, and relative words in other places', () => {
    for (const text of [
      '/** The place where it is: what is there, and who reads it. */',
      '/** True if it is so. @param a what it is */',
      '/**\n * The value.\n * @returns\n * Whether it is so.\n */',
      '/** Whole numbers. */',
      '/** When the server stops, calls end. */',
      '/** `What` is a tag. */',
      '// What follows is generated.',
      '/* Where it is */',
      "const a = '/** What */';",
    ]) {
      assert.deepEqual(wordsIn('a.ts', text), [], text);
    }
  });

  it('ignores strings, templates and regular expressions', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the checked source contains a template
    const text = "const a = ['told', `is none ${'whoever'}`, /of which [\"'`]/, 'http://a.b/ask'];";
    assert.deepEqual(wordsIn('a.ts', text), []);
  });

  it('refuses a file that it cannot parse', () => {
    assert.match(wordsIn('a.ts', 'const = ;')[0] ?? '', /^a\.ts: cannot be parsed: /);
  });
});

describe('the check of the architecture', () => {
  const breaches = (files: Record<string, string>): string[] => findBreaches(new Map(Object.entries(files)), HOUSE);
  const finds = (expected: RegExp, files: Record<string, string>): void => {
    const found = breaches(files);
    assert.ok(
      found.some((breach) => expected.test(breach)),
      `${expected} in ${JSON.stringify(found)}`,
    );
  };

  it('finds no fault in a correct house', () => {
    const sound = {
      'src/cli/main.ts': "import { a } from '../gateway/a.ts';\nconsole.log(a);",
      'src/server/config.ts': 'export const config = () => process.env;',
      'src/server/start.ts': "export * from '../jobs/run.ts';\nimport '../sandbox/server.ts';",
      'src/gateway/a.ts': "import type { S } from '../catalog/snapshot.ts';\nexport const a = (s: S) => s;",
      'src/catalog/snapshot.ts': "import { b } from '../core/b.ts';\nexport type S = typeof b;",
      'src/core/b.ts': "export const b = 'the word process, and an env of its own';",
      'src/modules/a/a.job.ts': "import '../b/service.ts';\nimport '../deps.ts';",
      'src/modules/b/service.ts': "import './b.ts';",
      'src/modules/b/b.ts': "import '../deps.ts';",
      'src/modules/deps.ts': "import '../core/b.ts';",
      'src/modules/routes.ts': "import './b/b.ts';",
      'src/jobs/run.ts': "import schema from './run.schema.json' with { type: 'json' };\nexport const run = schema;",
      'src/jobs/run.schema.json': '{}',
      'src/vault/rows.generated.ts': 'export type Row = 1;\n'.repeat(500),
      'src/sandbox/server.ts': "import '../core/b.ts';",
      'migrations/0001-a.ts': "import type { Knex } from 'knex';\nexport const up = (k: Knex) => k;",
      'seeds/a.ts': "import data from '../src/providers/compatible-providers.json' with { type: 'json' };",
      'verifier/verify.mjs': "import 'node:fs';",
      'test/a.test.ts': "import '../src/gateway/a.ts';\nconst { env } = process;",
    };
    assert.deepEqual(breaches(sound), []);
  });

  it('finds each import that runs up the chain or that is forbidden', () => {
    const fileOf = (room: string): string =>
      ['migrations', 'seeds', 'verifier'].includes(room) ? `${room}/x.ts` : `src/${room}/x.ts`;
    const rooms = [...HOUSE.chain.flat(), ...Object.keys(HOUSE.outside)];
    const placeOf = (room: string): number => HOUSE.chain.findIndex((group) => group.includes(room));
    const isAllowed = (from: string, to: string): boolean => {
      if (HOUSE.outside[from] !== undefined) return HOUSE.outside[from].includes(to);
      if (HOUSE.outside[to] !== undefined) return false;
      if (HOUSE.forbidden.some(([a, b]) => a === from && b === to)) return false;
      return placeOf(to) <= placeOf(from);
    };
    for (const from of rooms) {
      for (const to of rooms) {
        if (from === to) continue;
        const depth = fileOf(from).startsWith('src/') ? '../..' : '..';
        const found = breaches({ [fileOf(from)]: `import { x } from '${depth}/${fileOf(to)}';` });
        assert.equal(found.length, isAllowed(from, to) ? 0 : 1, `${from} → ${to}: ${found.join()}`);
      }
    }
  });

  it('finds a module that imports another file of a module than its service', () => {
    finds(/through its service\.ts, not src\/modules\/b\/queries\.ts/, {
      'src/modules/a/a.ts': "import { q } from '../b/queries.ts';",
    });
    finds(/through its service\.ts/, { 'src/modules/deps.ts': "import { q } from './b/queries.ts';" });
  });

  it('finds an import in every form that it takes', () => {
    for (const text of [
      "import { x } from '../vault/x.ts';",
      'import { x } from "../vault/x.ts";',
      "import type { X } from '../vault/x.ts';",
      "import {\n  x,\n  type Y,\n} from '../vault/x.ts';",
      "import * as x from '../vault/x.ts';",
      "import '../vault/x.ts';",
      "export { x } from '../vault/x.ts';",
      "export * from '../vault/x.ts';",
      "export type { X } from '../vault/x.ts';",
      "const x = await import('../vault/x.ts');",
      "type X = import('../vault/x.ts').X;",
      "const { x } = require('../vault/x.ts');",
      "import table from '../../vault/x.json' with { type: 'json' };",
      "import { x } from '../../test/x.ts';",
    ]) {
      finds(/^src\/gateway\/a\.ts: gateway may not import/, { 'src/gateway/a.ts': text });
    }
    finds(/cannot be checked/, { 'src/gateway/a.ts': 'const x = await import(name);' });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source that is checked holds one
    finds(/cannot be checked/, { 'src/gateway/a.ts': 'const x = await import(`../${name}.ts`);' });
  });

  it('finds a gateway that imports more of the catalog than its snapshot, and an unknown room', () => {
    finds(/gateway may not import src\/catalog\/snapshot-queries\.ts/, {
      'src/gateway/a.ts': "import { q } from '../catalog/snapshot-queries.ts';",
    });
    finds(/shed is not a room/, { 'src/shed/a.ts': "import 'node:fs';" });
    finds(/core may not import src\/cli\/main\.ts/, { 'src/core/a.ts': "import '../cli/main.ts';" });
  });

  it('finds packages where they do not belong', () => {
    finds(/knex belongs/, { 'src/vault/a.ts': "import knex from 'knex';" });
    finds(/providers knows no Koa/, { 'src/providers/a.ts': "import type { Context } from 'koa';" });
    finds(/the verifier has no dependency/, { 'verifier/a.ts': "import ws from 'ws';" });
    finds(/runs no SQL/, { 'src/gateway/a.ts': "import postgres from 'postgres';" });
  });

  it('finds a cycle, also of types only, and of one file with itself', () => {
    const a = "import type { B } from './b.ts';";
    const b = "export { C } from './deep/c.ts';";
    const c = "import { type A } from '../a.ts';";
    finds(/^import cycle: src\/core\/a\.ts → src\/core\/b\.ts → src\/core\/deep\/c\.ts → src\/core\/a\.ts$/, {
      'src/core/a.ts': a,
      'src/core/b.ts': b,
      'src/core/deep/c.ts': c,
    });
    finds(/^import cycle/, { 'src/core/a.ts': "import { a } from './a.ts';" });
    finds(/^import cycle/, {
      'test/support/a.ts': "import './b.ts';",
      'test/support/b.ts': "import './a.ts';",
    });
  });

  it('finds a read of the environment outside src/server/config.ts', () => {
    for (const text of [
      'const port = process.env.PORT;',
      'const port = process?.env.PORT;',
      "const port = process['env'].PORT;",
      'const port = globalThis.process.env.PORT;',
      'const { env } = process;',
      'const { pid, env: all } = globalThis.process;',
      "import { env } from 'node:process';",
      "import process from 'process';",
    ]) {
      finds(/only src\/server\/config\.ts reads the environment/, { 'src/server/a.ts': text });
    }
    assert.deepEqual(breaches({ 'src/core/a.ts': 'const { env } = input;\nprocess.exitCode = env.code;' }), []);
  });

  it('finds names without meaning, names in another case, default exports and files that are too long', () => {
    for (const path of [
      'src/core/utils/a.ts',
      'src/http/helpers.ts',
      'test/common/a.ts',
      'seeds/misc.ts',
      'src/core/utils.test.ts',
    ]) {
      finds(/says nothing/, { [path]: '' });
    }
    for (const path of [
      'src/core/callRecord.ts',
      'src/core/call_record.ts',
      'src/core/Log.ts',
      'src/BigRoom/a.ts',
      'src/core/a.jobs.ts',
      'test/a_b.test.ts',
    ]) {
      finds(/not kebab-case/, { [path]: '' });
    }
    finds(/name it after its main export/, { 'src/core/index.ts': '' });
    for (const text of [
      'export default 1;',
      'export default class A {}',
      'export { a as default };',
      'const a = 1;\nexport { b, a as default };',
    ]) {
      finds(/default export/, { 'src/core/a.ts': text });
    }
    finds(/401 lines/, { 'src/core/a.ts': 'x;\n'.repeat(401) });
    assert.deepEqual(breaches({ 'src/core/a.ts': 'x;\n'.repeat(400) }), []);
  });
});

/** The sources of every room, by path from the root: TypeScript, and the JSON that lies beside it. */
const readSources = (): Map<string, string> => {
  const files = new Map<string, string>();
  for (const top of ['src', 'migrations', 'seeds', 'verifier', 'bench', 'test']) {
    for (const entry of readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|json|mjs)$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(ROOT.length).split(sep).join('/'), readFileSync(path, 'utf8'));
    }
  }
  return files;
};

/** The documents of the project, and the programs of bin, by path from the root. */
const readDocuments = (): Map<string, string> => {
  const documents = new Map<string, string>();
  const read = (path: string): void => void documents.set(path, readFileSync(join(ROOT, path), 'utf8'));
  for (const name of readdirSync(ROOT)) if (name.endsWith('.md')) read(name);
  for (const top of ['bin', 'docs', 'src', 'vault', 'verifier', 'reports']) {
    for (const path of readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })) {
      if (/\.md$/.test(path) || top === 'bin') read(`${top}/${path.split(sep).join('/')}`);
    }
  }
  return documents;
};
