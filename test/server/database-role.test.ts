import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { connect } from '../../src/postgres/connect.ts';
import { findVaultRole } from '../../src/server/database-role.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createProducts, eventually, inDatabase, type ProductProcess } from './product-process.ts';

describe('the database role of the processes that serve calls', function () {
  this.timeout(300_000);
  const products = createProducts();
  let product: ProductProcess;
  before(async () => {
    product = await products.start(products.folder());
  });
  after(() => products.cleanUp());

  const send = (path: string, key: string, body: object): Promise<Response> =>
    fetch(`${product.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const run = (statement: string) => inDatabase(product.database_url, (sql) => sql.unsafe(statement));
  const createCustomer = async (): Promise<number> => {
    const response = await send('/customers', product.admin_key, { slug: 'acme' });
    await response.text();
    return response.status;
  };
  const countCalls = async (): Promise<number> =>
    (await run("select 1 from gateway.api_request_h where record_source <> 'ghost'")).length;

  it('has only its granted rights: the processes cannot use a revoked one', async () => {
    await run('revoke insert on gateway.customer_h from onevault_gateway');
    assert.equal(await createCustomer(), 500);
    await eventually('the refusal is logged', () =>
      product.log().includes('permission denied for table customer_h') ? true : undefined,
    );
    await run('grant insert on gateway.customer_h to onevault_gateway');
    assert.equal(await createCustomer(), 201);
  });

  it('is also the role of the loader, which waits for a revoked right and continues when it is granted again', async () => {
    await run('revoke insert on ops.journal_batch from onevault_gateway');
    const call = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };
    assert.equal((await send('/v1/chat/completions', product.api_key, call)).status, 200);
    await eventually('a load that is refused', () =>
      product.log().includes('permission denied for table journal_batch') ? true : undefined,
    );
    assert.equal(await countCalls(), 0);
    await run('grant insert on ops.journal_batch to onevault_gateway');
    await eventually('the call in the vault', async () => ((await countCalls()) === 1 ? true : undefined));
  });
});

describe('the role that the database defines for the product', () => {
  let database: TestDatabase;
  const user = `stranger_${randomBytes(6).toString('hex')}`;
  before(async () => {
    database = await createTestDatabase();
    await database.sql.unsafe(`create role ${user} login password 'secret'`);
  });
  after(async () => {
    await database.sql.unsafe(`drop role ${user}`);
    await database.drop();
  });

  it('is assumed by a user that has it or can grant it to itself, and other users get a warning', async () => {
    const url = new URL(database.url);
    [url.username, url.password] = [user, 'secret'];
    const sql = connect(url.href, { max_connections: 1 });
    let logged = '';
    const log = pino({ name: 'test' }, { write: (line: string) => (logged += line) });
    try {
      assert.equal(await findVaultRole(sql, log), null);
      assert.match(logged, /run \\"grant onevault_gateway to\\" that user/);
      // As PostgreSQL 16 and newer give it to the creator of a role.
      await database.sql.unsafe(`grant onevault_gateway to ${user} with admin true, set false, inherit false`);
      logged = '';
      assert.deepEqual([await findVaultRole(sql, log), logged], ['onevault_gateway', '']);
      const taken = connect(url.href, { max_connections: 1, role: 'onevault_gateway' });
      const [row] = await taken<{ name: string }[]>`select current_user as name`;
      await taken.end();
      assert.equal(row!.name, 'onevault_gateway');
    } finally {
      await sql.end();
      await database.sql.unsafe(`revoke onevault_gateway from ${user} granted by ${user} cascade`).catch(() => {});
      await database.sql.unsafe(`drop owned by ${user}`);
    }
  });
});
