import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { MODELS, needPython, PYTHON } from './clients-fixture.ts';

const SCRIPT = fileURLToPath(new URL('python/clients.py', import.meta.url));

/** A line of the script's output. */
interface Line {
  readonly name: string;
  readonly check?: string;
  readonly model?: string | null;
  readonly request_id?: string;
  readonly tokens?: readonly [prompt: number, completion: number];
  readonly status?: number;
}

const run = (args: readonly string[]): Promise<{ code: number | null; lines: Line[]; errors: string }> =>
  new Promise((resolve, reject) => {
    const script = spawn(PYTHON, [SCRIPT, ...args], { env: { PYTHONDONTWRITEBYTECODE: '1' } });
    let [output, errors] = ['', ''];
    script.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    script.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    script.once('error', reject);
    script.once('close', (code) => {
      const lines = output.split('\n').filter((line) => line !== '');
      resolve({ code, errors, lines: lines.map((line) => JSON.parse(line) as Line) });
    });
  });

describe("Python's SDKs of OpenAI, Anthropic and Google", () => {
  let gateway: TestGateway;

  before(async function () {
    needPython(this);
    gateway = await startTestGateway();
  });
  after(() => gateway?.close());

  it('chat, stream, call tools, parse, embed, count and fail as with the providers', async function () {
    this.timeout(300_000);
    const { code, lines, errors } = await run([gateway.url, gateway.keys.api_key]);
    assert.equal(code, 0, errors);
    const done = lines.filter(({ name }) => name === 'done');
    assert.equal(done.length, 13 * MODELS.length + 1);
    const measured = lines.filter(({ tokens }) => tokens !== undefined);
    assert.equal(measured.length, 3 * MODELS.length);
    for (const { request_id, tokens } of measured) {
      const call = await gateway.recorded(request_id!);
      assert.deepEqual([call.prompt_tokens, call.completion_tokens], tokens);
    }
    const failed = lines.filter(({ status }) => status !== undefined);
    assert.equal(failed.length, 2 * 4 * MODELS.length);
    for (const { request_id, status } of failed) {
      assert.equal((await gateway.recorded(request_id!)).http_status, status);
    }
  });
});
