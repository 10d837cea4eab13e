import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBreaches, type ImportTable } from './support/architecture.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const ROOMS: ImportTable = {
  core: [],
  http: ['core'],
  journal: ['core'],
  providers: ['core'],
  sandbox: ['core'],
  vault: ['core'],
  control: ['core', 'http', 'vault'],
  gateway: ['core', 'http', 'journal', 'providers', 'control/snapshot.ts'],
  pipeline: ['core', 'journal', 'vault', 'control'],
  main: ['all'],
  migrations: [],
  seeds: ['core/compatible-providers.json'],
};

describe('the architecture', () => {
  it('holds: rooms import only what they may, in no cycle, and names and sizes are as agreed', () => {
    const files = readSources();
    assert.ok(files.size > 200, `${files.size} files were found`);
    assert.deepEqual(findBreaches(files, ROOMS), []);
  });

  it('has every room that the table names', () => {
    const found = new Set([...readSources().keys()].map((path) => path.split('/').slice(0, 2).join('/')));
    const missing = Object.keys(ROOMS).filter(
      (room) => ![...found].some((path) => path.split('/').includes(room)),
    );
    assert.deepEqual(missing, []);
  });
});

describe('the check of the architecture', () => {
  const breaches = (files: Record<string, string>): string[] =>
    findBreaches(new Map(Object.entries(files)), ROOMS);
  const finds = (expected: RegExp, files: Record<string, string>): void => {
    const found = breaches(files);
    assert.ok(
      found.some((breach) => expected.test(breach)),
      `${expected} in ${JSON.stringify(found)}`,
    );
  };

  it('finds nothing in a sound house', () => {
    const sound = {
      'src/main.ts': "import { a } from './gateway/a.ts';\nconsole.log(process.env, a);",
      'src/main/start.ts': "export * from '../pipeline/run.ts';",
      'src/gateway/a.ts': "import type { S } from '../control/snapshot.ts';\nexport const a = (s: S) => s;",
      'src/control/snapshot.ts': "import { b } from '../core/b.ts';\nexport type S = typeof b;",
      'src/core/b.ts': "export const b = 'the word process, and an env of its own';",
      'src/pipeline/run.ts':
        "import schema from './run.schema.json' with { type: 'json' };\nexport const run = schema;",
      'src/pipeline/run.schema.json': '{}',
      'src/vault/rows.generated.ts': 'export type Row = 1;\n'.repeat(500),
      'migrations/0001-a.ts': "import type { Knex } from 'knex';\nexport const up = (k: Knex) => k;",
      'test/a.test.ts': "import '../src/gateway/a.ts';\nconst { env } = process;",
    };
    assert.deepEqual(breaches(sound), []);
  });

  it('finds each edge that the table does not allow', () => {
    const rooms = Object.keys(ROOMS).filter((room) => room !== 'main');
    const fileOf = (room: string): string =>
      ['migrations', 'seeds'].includes(room) ? `${room}/x.ts` : `src/${room}/x.ts`;
    for (const from of rooms) {
      for (const to of [...rooms, 'main']) {
        if (from === to) continue;
        const depth = fileOf(from).startsWith('src/') ? '../..' : '..';
        const found = breaches({ [fileOf(from)]: `import { x } from '${depth}/${fileOf(to)}';` });
        assert.equal(found.length, ROOMS[from]!.includes(to) ? 0 : 1, `${from} → ${to}: ${found.join()}`);
      }
    }
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
    finds(/cannot be told/, { 'src/gateway/a.ts': 'const x = await import(name);' });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source that is checked holds one
    finds(/cannot be told/, { 'src/gateway/a.ts': 'const x = await import(`../${name}.ts`);' });
  });

  it('finds a gateway that takes more of control than its snapshot, and a room that nobody named', () => {
    finds(/gateway may not import src\/control\/snapshot-queries\.ts/, {
      'src/gateway/a.ts': "import { q } from '../control/snapshot-queries.ts';",
    });
    finds(/shed is not a room/, { 'src/shed/a.ts': "import 'node:fs';" });
    finds(/core may not import src\/main\.ts/, { 'src/core/a.ts': "import '../main.ts';" });
  });

  it('finds packages where they do not belong', () => {
    finds(/knex belongs/, { 'src/vault/a.ts': "import knex from 'knex';" });
    finds(/providers knows no Koa/, { 'src/providers/a.ts': "import type { Context } from 'koa';" });
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

  it('finds the environment read anywhere but in src/main.ts', () => {
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
      finds(/only src\/main\.ts reads the environment/, { 'src/main/a.ts': text });
    }
    assert.deepEqual(
      breaches({ 'src/core/a.ts': 'const { env } = input;\nprocess.exitCode = env.code;' }),
      [],
    );
  });

  it('finds names that say nothing, names in another case, default exports and files that are too long', () => {
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
      'test/a_b.test.ts',
    ]) {
      finds(/not kebab-case/, { [path]: '' });
    }
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
  for (const top of ['src', 'migrations', 'seeds', 'bench', 'test']) {
    for (const entry of readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|json)$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(ROOT.length).split(sep).join('/'), readFileSync(path, 'utf8'));
    }
  }
  return files;
};
