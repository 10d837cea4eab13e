import assert from 'node:assert/strict';
import type { Schema } from '../../src/http/route.ts';
import { createFaultFinder } from '../../src/http/validate.ts';
import { controlContracts } from '../../src/modules/routes.ts';
import { testRegistry } from '../support/calls.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse, errorOf } from '../support/http.ts';

/** A body with one faulty place, and the JSON Pointer to it. */
interface BadBody {
  readonly pointer: string;
  readonly body: unknown;
  readonly fault: string;
}

type Properties = Readonly<Record<string, Schema>>;

const VALUES: readonly unknown[] = [{}, [], 7, 'x', true, null, -1, 1.5, 'x'.repeat(20_000), 'a\0b', '\ud800'];
const LONG = 'x'.repeat(50_000);

const routes = controlContracts(testRegistry()).filter(
  ({ body }) => body !== undefined && body.content_types === undefined,
);

/** The schema that a local reference leads to. */
const resolved = (schema: Schema, root: Schema): Schema => {
  const name = /^#\/\$defs\/(.+)$/.exec(String(schema.$ref))?.[1];
  return name === undefined ? schema : (root.$defs as Properties)[name]!;
};

/** Every property of a schema, those of nested objects and lists too, with a wrong value, an overlong one, or none. */
const badBodies = (schema: Schema, root: Schema, pointer: string, wrap: (value: unknown) => unknown): BadBody[] => {
  const properties = (schema.properties ?? {}) as Properties;
  const required = (schema.required ?? []) as readonly string[];
  const bad = (at: string, value: unknown, fault: string): BadBody => ({ pointer: at, body: wrap(value), fault });
  return [
    bad(`${pointer}/no_such_field`, { no_such_field: 1 }, 'unknown'),
    ...required.map((name) => bad(`${pointer}/${name}`, {}, 'missing')),
    ...Object.entries(properties).flatMap(([name, given]) => {
      const property = resolved(given, root);
      const at = `${pointer}/${name}`;
      const find = createFaultFinder({ ...property, $defs: root.$defs ?? {} });
      const isWrong = (value: unknown): boolean => find(value).length > 0;
      const inside = (value: unknown): unknown => wrap({ [name]: value });
      return [
        ...VALUES.filter(isWrong).map((value) => bad(at, { [name]: value }, 'wrong')),
        ...(isWrong(LONG) ? [bad(at, { [name]: LONG }, 'too long')] : []),
        ...nested(property, root, at, inside),
      ];
    }),
  ];
};

const nested = (property: Schema, root: Schema, at: string, inside: (value: unknown) => unknown): BadBody[] => {
  const types = [property.type].flat();
  if (types.includes('object') && property.properties !== undefined) return badBodies(property, root, at, inside);
  if (!types.includes('array') || property.items === undefined) return [];
  const items = resolved(property.items as Schema, root);
  if (items.properties === undefined) return [];
  return badBodies(items, root, `${at}/0`, (value) => inside([value]));
};

describe('bad input', function () {
  this.timeout(600_000);
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
    await gateway.newCustomer({ slug: 'acme' });
  });
  after(() => gateway.close());

  const pathOf = (path: string): string =>
    path
      .replace(':slug', 'acme')
      .replace(':provider', 'openai')
      .replace(':model', 'gpt-4.1')
      .replaceAll(/:\w+/g, '00000000-0000-7000-8000-000000000000');
  const send = (method: string, path: string, body: string): Promise<ClientResponse> =>
    gateway.send({ method: method.toUpperCase(), path: pathOf(path), headers: bearer(gateway.keys.admin_key), body });
  /** Rows of the vault, but for the audit log. */
  const rowsOf = async (): Promise<string> => {
    const { sql } = gateway.database;
    const counts: string[] = [];
    for (const { table, name } of testRegistry().entities.values()) {
      if (table.startsWith('audit_')) continue;
      const [row] = await sql.unsafe<{ rows: number }[]>(`select count(*) as rows from ${name}`);
      counts.push(`${table} ${row!.rows}`);
    }
    return counts.join('\n');
  };

  for (const [path, field] of [
    ['/v1/customers/%F0%9F%94%91%17', '/slug'],
    ['/v1/customers/UPPER', '/slug'],
    [`/v1/customers/${'a'.repeat(64)}`, '/slug'],
    ['/v1/customers/organizations', '/slug'],
    ['/v1/deployments/openai/a%00b', '/model'],
    ['/v1/deployments/openai/Upper%20case', '/model'],
    [`/v1/deployments/openai/${'a'.repeat(300)}`, '/model'],
  ] as const) {
    it(`is refused by PUT ${path.slice(0, 50)}, which would create a resource of that name`, async () => {
      const body = path.startsWith('/v1/customers') ? {} : { input_price: '1', output_price: '1' };
      for (const query of ['', '?dry_run=true']) {
        const refused = await gateway.admin('PUT', `${path}${query}`, body);
        assert.equal(refused.status, 422, refused.text);
        assert.equal(errorOf(refused).errors![0]!.path, field);
      }
    });
  }

  it('is tested for every route with a body', () => {
    assert.ok(routes.length >= 12, String(routes.length));
  });

  for (const { method, path, body } of routes) {
    const schema = body!.schema;
    const cases = badBodies(schema, schema, '', (value) => value);

    it(`is refused by ${method.toUpperCase()} ${path} for each of its ${cases.length} faults, and nothing is stored`, async () => {
      const before = await rowsOf();
      for (const { pointer, body: sent, fault } of cases) {
        const text = JSON.stringify(sent);
        const response = await send(method, path, text);
        const { errors } = errorOf(response);
        assert.equal(response.status, 422, `${fault} ${pointer} ${response.text}`);
        assert.ok(
          errors!.some((each) => each.path === pointer || each.path.startsWith(`${pointer}/`)),
          `${fault} ${pointer} in ${JSON.stringify(errors)}`,
        );
        assert.ok(response.text.length < 20_000, 'the response does not repeat what was sent');
      }
      for (const name of Object.keys((schema.properties ?? {}) as Properties)) {
        const twice = errorOf(await send(method, path, `{"${name}":null,"${name}":null}`));
        assert.deepEqual(
          twice.errors!.map(({ path: at, code }) => [at, code]),
          [[`/${name}`, 'duplicate']],
        );
      }
      for (const text of ['', '{', 'null', '[]', '"x"', '7', '{"a":1}{', `${'['.repeat(30_000)}`]) {
        const { status } = await send(method, path, text);
        assert.ok(status === 400 || status === 422, `${text.slice(0, 20)}: ${status}`);
      }
      assert.equal((await send(method, path, JSON.stringify({ x: 'x'.repeat(70_000) }))).status, 413);
      assert.equal(await rowsOf(), before);
    });
  }
});
