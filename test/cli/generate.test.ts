import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { generate, generatePriceSchemas } from '../../src/cli/generate.ts';
import { PROJECT } from '../../src/server/paths.ts';

describe('the generated files', () => {
  it('match the schemas: `npm run generate` changes none of them', async () => {
    const files = [...generatePriceSchemas(), ...(await generate())];
    assert.ok(files.length >= 8);
    for (const [path, text] of files) {
      assert.equal(readFileSync(path, 'utf8'), text, `${relative(PROJECT.root, path)}: run \`npm run generate\``);
    }
  });
});
