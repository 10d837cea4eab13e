import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { findFastFiles, readModules } from './fast-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const chosen = (test: string, others: Readonly<Record<string, string>> = {}): boolean =>
  findFastFiles(new Map(Object.entries({ 'test/a.test.ts': test, ...others }))).includes('test/a.test.ts');

describe('the choice of fast test files', () => {
  it('takes the tests of pure code and leaves those that need a database, a gateway or a process', () => {
    const fast = findFastFiles(readModules(ROOT));
    assert.ok(fast.length > 40, `${fast.length} files were chosen`);
    assert.ok(fast.includes('test/core/money.test.ts'));
    for (const heavy of [
      'test/support/database.test.ts',
      'test/vault/load.test.ts',
      'test/gateway/chat-completions.test.ts',
      'test/modules/customers/customers.test.ts',
    ]) {
      assert.ok(!fast.includes(heavy), heavy);
    }
  });

  it('follows imports through other files and circles, but not those of types', () => {
    assert.equal(chosen("import { a } from '../src/core/a.ts';\n", { 'src/core/a.ts': 'export const a = 1;\n' }), true);
    const circle = { 'test/b.ts': "import './c.ts';\n", 'test/c.ts': "import './b.ts';\n" };
    assert.equal(chosen("import './b.ts';\n", circle), true);
    const reaching = { ...circle, 'test/c.ts': "import './b.ts';\nexport { a } from './support/database.ts';\n" };
    assert.equal(chosen("import './b.ts';\n", reaching), false);
    assert.equal(chosen("import type { Sql } from 'postgres';\n"), true);
  });

  it('leaves a test that imports a process, a driver or a path that is computed', () => {
    assert.equal(chosen("import { spawn } from 'node:child_process';\n"), false);
    assert.equal(chosen("import postgres from 'postgres';\n"), false);
    assert.equal(chosen('const loaded = await import(path);\n'), false);
    assert.equal(chosen(''), true);
  });
});
