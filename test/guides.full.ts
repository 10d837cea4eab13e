import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createProducts, type ProductProcess } from './server/product-process.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = ['README.md', 'docs/quickstart.md', ...listGuides()];

// A block that needs what no machine here has, as a real provider's key, is marked `no-run`.
const BLOCK = /^```sh\n(.*?)^```$/gms;
/** Commands that this test stands in for, or that other tests run. */
const SETUP_LINES = /^(?:npm (?:install|start|test|run \w+)|export (?:KEY|ADMIN)=.*)$/gm;

const run = promisify(execFile);

describe('the shell commands of the documentation', function () {
  this.timeout(300_000);
  const products = createProducts();
  let product: ProductProcess;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'onevault-guides-'));
    product = await products.start(products.folder());
  });
  after(async () => {
    await products.cleanUp();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const page of PAGES) {
    const blocks = [...readFileSync(join(ROOT, page), 'utf8').matchAll(BLOCK)].map(([, text]) => text!);
    if (blocks.length === 0) continue;
    it(`run unchanged from the page ${page}`, async () => {
      const script = blocks.join('\n').replaceAll(SETUP_LINES, '');
      const env = {
        PATH: process.env.PATH,
        HOME: folder,
        KEY: product.api_key,
        ADMIN: product.admin_key,
        ONEVAULT_DATA_DIR: product.data_dir,
      };
      await run('bash', ['-c', `${FAIL_LOUDLY}\n${withProduct(script)}`], { cwd: folder, env });
    });
  }

  /** The script with the product of this test in the place of the reader's. */
  const withProduct = (script: string): string =>
    script
      .replaceAll('http://127.0.0.1:8080', product.url)
      .replaceAll(/(?:\.\/)?\.onevault\//g, `${product.data_dir}/`)
      .replaceAll('npx --no-install onevault', `"${process.execPath}" "${join(ROOT, 'bin/onevault.mjs')}"`)
      .replaceAll('node verifier/', `"${process.execPath}" "${ROOT}verifier/`)
      .replaceAll('onevault-verify.mjs ', 'onevault-verify.mjs" ');
});

// A response of 4xx or 5xx ends the script, and so does any command that fails.
const FAIL_LOUDLY = `set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }`;

describe('the guides', () => {
  it('are all in the list of pages that are run or read', () => {
    assert.ok(PAGES.length >= 10, `${PAGES.length} pages were found`);
  });
});

function listGuides(): string[] {
  return readdirSync(join(ROOT, 'docs/guides')).map((name) => `docs/guides/${name}`);
}
