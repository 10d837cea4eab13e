import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const DOCS = readFileSync(new URL('../../docs/guides/speak-and-transcribe.md', import.meta.url), 'utf8');
const [, COMMANDS] = /^```sh\n(.*?)^```$/ms.exec(DOCS) ?? [];

const run = promisify(execFile);

describe('the commands of the audio guide', () => {
  let gateway: TestGateway;
  let cwd: string;

  before(async () => {
    gateway = await startTestGateway();
    cwd = mkdtempSync(join(tmpdir(), 'onevault-curl-'));
  });
  after(async () => {
    rmSync(cwd, { recursive: true });
    await gateway.close();
  });

  it('run unchanged: they write speech to a file and transcribe it', async () => {
    const commands = COMMANDS!.replaceAll('http://127.0.0.1:8080', gateway.url);
    const { PATH = '' } = process.env;
    const { stdout } = await run('sh', ['-ec', commands], { cwd, env: { PATH, KEY: gateway.keys.api_key } });
    const sound = readFileSync(join(cwd, 'hello.wav'));
    assert.equal(sound.toString('latin1', 0, 4), 'RIFF');
    const { text } = JSON.parse(stdout) as { text: string };
    assert.match(text, new RegExp(`^The file hello\\.wav has ${sound.length} bytes`));
  });
});
