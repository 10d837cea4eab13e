import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createProducts } from '../server/product-process.ts';

const SCHEMATHESIS = fileURLToPath(new URL('../../.ci/schemathesis-venv/bin/schemathesis', import.meta.url));
const run = promisify(execFile);

// WebSocket is not HTTP; the second revokes the key that the run itself uses; the last asks the provider, which answers
// 502 where there is no way to it.
const LEFT_OUT = ['openai.realtime', 'api_key.delete', 'provider_key.create'];

describe('requests that schemathesis makes from the OpenAPI document', function () {
  this.timeout(900_000);
  const products = createProducts();
  after(() => products.cleanUp());

  it('cause no 500, no undocumented status and no response that breaks its schema', async function () {
    if (!existsSync(SCHEMATHESIS)) {
      assert.equal(process.env.CI, undefined, `${SCHEMATHESIS} must be there in CI`);
      process.stdout.write(`\nschemathesis: skipped, ${SCHEMATHESIS} is not there; .ci/full makes it\n`);
      this.skip();
    }
    const { url, admin_key, data_dir } = await products.start(products.folder());
    const checks = [
      'not_a_server_error',
      'status_code_conformance',
      'content_type_conformance',
      'response_schema_conformance',
    ];
    const options = [
      ['--header', `Authorization: Bearer ${admin_key}`],
      ['--checks', checks.join(',')],
      ['--phases', 'examples,coverage,fuzzing'],
      ['--max-examples', '20'],
      ['--seed', '1'],
      ['--request-timeout', '60'],
      ...LEFT_OUT.map((name) => ['--exclude-operation-id', name]),
    ].flat();
    const { stdout } = await run(SCHEMATHESIS, ['run', `${url}/openapi.json`, '--no-color', ...options], {
      // Its cache belongs into a folder that goes with the test.
      cwd: data_dir,
      maxBuffer: 64 << 20,
    }).catch((error: { stdout: string; stderr: string }) => assert.fail(`${error.stdout}\n${error.stderr}`));
    const tested = Number(/Tested: (\d+)/.exec(stdout)?.[1]);
    assert.ok(tested > 50, stdout.slice(-3_000));
  });
});
