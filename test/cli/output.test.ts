import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withOutput } from '../../src/cli/output.ts';
import { InputError } from '../../src/core/input-error.ts';
import { temporaryPath } from '../support/server.ts';

describe('the output of a command', () => {
  const folder = temporaryPath();
  const path = join(folder, 'out.json');
  before(() => mkdirSync(folder, { recursive: true }));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is written to a file in pieces, replaces the old contents, and has the given mode', async () => {
    const result = await withOutput(
      path,
      async (write) => {
        for (const piece of ['{', '', '"größe":1', '}']) await write(piece);
        return 7;
      },
      0o600,
    );
    assert.equal(result, 7);
    assert.equal(readFileSync(path, 'utf8'), '{"größe":1}');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    writeFileSync(path, 'a longer text than the next one');
    await withOutput(path, (write) => write('short'));
    assert.equal(readFileSync(path, 'utf8'), 'short');
  });

  it('is refused with the reason if its file cannot be opened, before the command starts', async () => {
    let has_begun = false;
    const work = async (): Promise<void> => {
      has_begun = true;
    };
    for (const [bad, reason] of [
      [join(folder, 'missing', 'out.json'), /^--out: the file cannot be written: ENOENT/],
      [folder, /^--out: the file cannot be written: EISDIR/],
      [join(path, 'below'), /^--out: the file cannot be written: ENOTDIR/],
      ['a\0b', /^--out: the file cannot be written: .*null bytes/],
    ] as const) {
      await assert.rejects(withOutput(bad, work), (error: Error) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, reason);
        return true;
      });
    }
    assert.equal(has_begun, false);
  });

  it('fails with the error of the command', async () => {
    const failing = withOutput(path, async (write) => {
      await write('part');
      throw new Error('the vault is away');
    });
    await assert.rejects(failing, /the vault is away/);
  });
});
