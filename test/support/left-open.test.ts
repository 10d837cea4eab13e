import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEFT_OPEN = new URL('left-open.ts', import.meta.url).href;
const MOCHA = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url));

const PROGRAM = (leaves: string): string => `
  import { createServer } from 'node:http';
  import { endUnlessDone } from ${JSON.stringify(LEFT_OPEN)};
  it('passes', () => { ${leaves} });
  after(() => endUnlessDone(300));
`;

describe('a run of tests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'left-open-'));
  after(() => rmSync(folder, { recursive: true }));

  const run = (leaves: string) => {
    const file = join(folder, 'case.test.mjs');
    writeFileSync(file, PROGRAM(leaves));
    return spawnSync(process.execPath, [MOCHA, '--no-config', file], { encoding: 'utf8', timeout: 15_000 });
  };

  it('ends and fails with the reason when something is left open, although its tests have passed', () => {
    const { status, stdout, stderr } = run('createServer().listen(0, "127.0.0.1");');
    assert.match(stdout, /1 passing/);
    assert.match(stderr, /still open .*TCPServerWrap/);
    assert.equal(status, 1);
  });

  it('ends by itself when nothing is left open', () => {
    const { status, stderr } = run('');
    assert.deepEqual([status, stderr.includes('still open')], [0, false]);
  });
});
