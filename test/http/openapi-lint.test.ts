import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openApiDocument } from '../../src/http/openapi.ts';
import { apiContracts } from '../../src/server/api-contracts.ts';
import { testRegistry } from '../support/calls.ts';

const REDOCLY = fileURLToPath(new URL('../../node_modules/.bin/redocly', import.meta.url));
const run = promisify(execFile);

describe("Redocly's linter", function () {
  this.timeout(300_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'onevault-openapi-'));
    // The owner of the product decides on its licence: the rule on that field is off.
    writeFileSync(join(folder, 'redocly.yaml'), 'extends: [recommended]\nrules:\n  info-license: off\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const lint = async (
    document: object,
  ): Promise<{ totals: { errors: number; warnings: number }; problems: object[] }> => {
    writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document));
    const { stdout } = await run(REDOCLY, ['lint', 'openapi.json', '--format', 'json'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      maxBuffer: 64 << 20,
    }).catch((error: { stdout: string }) => error);
    return JSON.parse(stdout.slice(stdout.indexOf('{')));
  };

  it('finds no error and no warning in the OpenAPI document', async () => {
    const { totals, problems } = await lint(openApiDocument(apiContracts(testRegistry())));
    assert.deepEqual([totals.errors, totals.warnings], [0, 0], JSON.stringify(problems, null, 2).slice(0, 4_000));
  });

  it('finds the error in a faulty document', async () => {
    const { totals } = await lint({
      ...openApiDocument(apiContracts(testRegistry())),
      paths: { '/a/{id}': { get: { responses: {} } } },
    });
    assert.ok(totals.errors > 0);
  });
});
