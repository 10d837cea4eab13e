import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Schema } from '../../src/http/route.ts';
import { createFaultFinder } from '../../src/http/validate.ts';
import { apiContracts } from '../../src/server/api-contracts.ts';
import { PROJECT } from '../../src/server/paths.ts';
import { testRegistry } from '../support/calls.ts';

/** Every JSON Schema of the HTTP API, by a name that a failure can show. */
const readSchemas = (): ReadonlyMap<string, Schema> => {
  const schemas = new Map<string, Schema>();
  for (const { operation_id, params, query, body, responses } of apiContracts(testRegistry())) {
    for (const [name, schema] of Object.entries(params ?? {})) schemas.set(`${operation_id} path ${name}`, schema);
    for (const [name, { schema }] of Object.entries(query ?? {})) schemas.set(`${operation_id} query ${name}`, schema);
    if (body !== undefined) schemas.set(`${operation_id} body`, body.schema);
    for (const [status, { schema }] of Object.entries(responses)) {
      if (schema !== null) schemas.set(`${operation_id} response ${status}`, schema);
    }
  }
  const folder = join(PROJECT.root, 'src');
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.schema.json'))
      schemas.set(path, JSON.parse(readFileSync(join(folder, path), 'utf8')) as Schema);
  }
  return schemas;
};

describe('the schemas of the HTTP API', () => {
  const ajv = new Ajv2020();
  const isSchema = (schema: Schema): boolean => ajv.validateSchema(schema) === true;

  it('are valid by the meta-schema of JSON Schema 2020-12, which validators do not check at start', () => {
    const schemas = readSchemas();
    assert.ok(schemas.size > 100, `${schemas.size} schemas were found`);
    assert.deepEqual(
      [...schemas].filter(([, schema]) => !isSchema(schema)).map(([name]) => name),
      [],
    );
  });

  it('compile in strict mode, as validators do for their first value', () => {
    for (const [name, schema] of readSchemas()) {
      assert.doesNotThrow(() => createFaultFinder(schema)({}), name);
    }
    assert.throws(() => createFaultFinder({ type: 'string', maxLenght: 10 })({}), /unknown keyword: "maxLenght"/);
  });

  it('are refused by the meta-schema if a keyword has a value of another type', () => {
    assert.equal(isSchema({ type: 'string', maxLength: 'ten' }), false);
  });
});
