import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DEMO = fileURLToPath(new URL('../../bench/demo.ts', import.meta.url));

describe('the command npm run demo', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'onevault-demo-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('shows that every client got the expected results and all sums match, and writes invoices and a report', async () => {
    const { stdout } = await run(process.execPath, [DEMO], { cwd: folder });
    assert.match(stdout, /all sums close\n$/);
    assert.match(stdout, /ok {4}every client saw what it should/);
    assert.doesNotMatch(stdout, /FALSE|EXPECTED/);
    const written = readdirSync(join(folder, 'demo-output'));
    assert.equal(written.filter((name) => /^ONEVAULT-\d{4}-\d{6}\.html$/.test(name)).length, 3);
    assert.ok(written.includes('hipaa-activity.html'));
  });
});
