import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { needPython, PYTHON } from './clients-fixture.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUIDE = readFileSync(`${ROOT}/docs/guides/use-an-sdk.md`, 'utf8');

const run = promisify(execFile);

interface Snippet {
  readonly language: string;
  readonly code: string;
}

const SNIPPETS: readonly Snippet[] = [...GUIDE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}));

describe('the code snippets of the SDK guide', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('are six in TypeScript and three in Python', () => {
    assert.deepEqual(
      SNIPPETS.map(({ language }) => language),
      [...Array(5).fill('ts'), ...Array(3).fill('python'), 'ts'],
    );
  });

  for (const { language, code } of SNIPPETS) {
    const [imported = ''] = /^(?:from|import) .*(?<!os)$/m.exec(code) ?? [];
    it(`run unchanged: ${imported}`, async function () {
      this.timeout(300_000);
      if (language === 'python') needPython(this);
      assert.ok(code.includes('http://127.0.0.1:8080'));
      const here = code.replaceAll('http://127.0.0.1:8080', gateway.url);
      const [program, args] =
        language === 'python' ? [PYTHON, ['-c', here]] : [process.execPath, ['--input-type=module', '--eval', here]];
      const { PATH = '' } = process.env;
      const env = { PATH, KEY: gateway.keys.api_key, PYTHONDONTWRITEBYTECODE: '1' };
      const { stdout } = await run(program, args, { cwd: ROOT, env });
      assert.equal(stdout, 'You wrote: Hello\n');
    });
  }
});
