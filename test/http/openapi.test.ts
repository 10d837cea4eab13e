import assert from 'node:assert/strict';
import { createClientProtocols } from '../../src/gateway/ai/protocols/client-protocols.ts';
import { openApiDocument } from '../../src/http/openapi.ts';
import type { RouteContract } from '../../src/http/route.ts';
import { controlContracts } from '../../src/modules/routes.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Readonly<Record<string, { readonly headers?: Readonly<Record<string, object>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** `/v1/customers/:slug` as the document has it. */
const documented = (path: string): string => path.replaceAll(/\/:(\w+)/g, '/{$1}');

describe('GET /openapi.json', () => {
  let gateway: TestGateway;
  let document: Document;
  before(async () => {
    gateway = await startTestGateway();
    const client_response = await gateway.get('/openapi.json');
    assert.equal(client_response.status, 200);
    assert.match(client_response.headers['content-type']!, /^application\/json/);
    document = client_response.json as Document;
  });
  after(() => gateway.close());

  it('describes every route of the control plane at its canonical path, and the routes without a key', () => {
    assert.equal(document.openapi, '3.1.0');
    for (const { path, method, permission } of controlContracts(gateway.control.registry)) {
      const operation = document.paths[documented(path)]?.[method];
      assert.ok(operation !== undefined, `${method} ${path}`);
      assert.deepEqual(operation.tags, ['control']);
      assert.equal(operation.security !== undefined, permission === null, `${method} ${path}`);
    }
  });

  it('describes Idempotency-Key, and the header of a repeated response, for every write with a key', () => {
    for (const { path, method, permission, responses } of controlContracts(gateway.control.registry)) {
      const operation = document.paths[documented(path)]![method]!;
      const takes_key = method !== 'get' && permission !== null;
      const parameters = operation.parameters?.map(({ name }) => name) ?? [];
      assert.equal(parameters.includes('Idempotency-Key'), takes_key, `${method} ${path}`);
      for (const status of Object.keys(responses)) {
        const { headers } = operation.responses[status]!;
        assert.equal(headers?.['Idempotent-Replayed'] !== undefined, takes_key, `${method} ${path} ${status}`);
      }
      if (takes_key) assert.ok('409' in operation.responses && '422' in operation.responses, `${method} ${path}`);
    }
  });

  it('describes every endpoint for calls', () => {
    const gateways = Object.entries(document.paths).filter(([, methods]) => methods.post?.tags.includes('gateway'));
    const paths = gateways.map(([path]) => path);
    for (const { path } of createClientProtocols()) {
      const wanted = path.replace('{beta}', 'beta').replace('*model\\:', '{model}:');
      assert.ok(paths.includes(wanted), `${path} in ${paths.join(' ')}`);
    }
    assert.equal(paths.length, createClientProtocols().length);
  });

  it('names each operation once, has an error response in each, and no broken reference', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const names = operations.map(({ operationId }) => operationId);
    assert.deepEqual(names.length, new Set(names).size);
    for (const { operationId, responses } of operations) assert.ok(responses.default !== undefined, operationId);
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(document.components.schemas[name!] !== undefined, `${name}`);
    }
    assert.ok(!text.includes('#/$defs/'), 'references to parts of files are references to components');
  });
});

describe('the builder of the OpenAPI document', () => {
  const route: RouteContract = {
    method: 'get',
    path: '/v1/things/:id',
    operation_id: 'thing.read',
    plane: 'control',
    summary: 'A thing',
    permission: 'thing.read',
    responses: { 200: { description: 'It.', schema: { title: 'Thing', type: 'object' } } },
  };

  it('marks deprecated operations', () => {
    const deprecated = { ...route, deprecated: { since: '2026-01-01T00:00:00Z' } };
    const { paths } = openApiDocument([deprecated]) as { paths: Record<string, Record<string, object>> };
    assert.equal((paths['/v1/things/{id}']!.get as { deprecated: boolean }).deprecated, true);
  });

  it('refuses two operations with the same name, and two schemas with the same name', () => {
    assert.throws(() => openApiDocument([route, { ...route, path: '/v1/others' }]), /two operations are called/);
    const other = { 200: { description: 'It.', schema: { title: 'Thing', type: 'string' } } };
    assert.throws(
      () => openApiDocument([route, { ...route, path: '/v1/o', operation_id: 'o', responses: other }]),
      /two different schemas are called Thing/,
    );
  });
});
