import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import type { ErasureCertificate } from '../../src/modules/privacy/erasures.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { temporaryPath } from '../support/server.ts';
import { createProducts, type ProductProcess, runCommand } from './product-process.ts';

const newMarker = (): string => `Mk${randomBytes(9).toString('base64url').replaceAll(/[-_]/g, 'x')}Zq`;

/** The forms in which a text or bytes may lie in a file: as they are, hex, base64 at any offset, UTF-16. */
const formsOf = (secret: string | Buffer): Buffer[] => {
  const bytes = Buffer.from(secret as string);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The first and last characters depend on what stands beside.
    return text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 8) / 6));
  });
  const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64];
  const utf16 = typeof secret === 'string' ? Buffer.from(secret, 'utf16le') : null;
  return [
    bytes,
    ...texts.map((text) => Buffer.from(text)),
    ...(utf16 === null ? [] : [utf16, Buffer.from(utf16).swap16()]),
  ];
};

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const holds = (content: Buffer, secret: string | Buffer): boolean =>
  formsOf(secret).some((form) => content.includes(form));

describe('the erasure of personal data', function () {
  this.timeout(300_000);
  const products = createProducts();
  const data_dir = products.folder();
  const out = temporaryPath();
  const marks = { name: newMarker(), mail: newMarker(), street: newMarker(), other: newMarker() };
  const control = newMarker();
  const printed: Buffer[] = [];
  let product: ProductProcess;

  after(async () => {
    await products.cleanUp();
    rmSync(out, { recursive: true, force: true });
  });

  const send = async (method: string, path: string, body?: object, key = product.admin_key) => {
    const response = await fetch(`${product.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, json: JSON.parse(text) as Record<string, unknown> };
  };
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(args, { ONEVAULT_DATA_DIR: data_dir });
    assert.equal(code, 0, stdout + stderr);
    printed.push(Buffer.from(stdout + stderr));
    return stdout;
  };
  const withSql = async <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
    const sql = connect(product.database_url, { max_connections: 1 });
    return work(sql).finally(() => sql.end());
  };
  const kms = () => createFileKms({ path: join(data_dir, 'master-keys.json'), given_keys: [], clock: systemClock });

  /** Every file of the product, every row of every table, and whatever it printed. */
  const everything = (): Promise<[string, Buffer][]> =>
    withSql(async (sql) => {
      await sql`checkpoint`;
      const [{ folder }] = await sql<[{ folder: string }]>`select current_setting('data_directory') as folder`;
      const tables = await sql<{ name: string }[]>`
        select format('%I.%I', schemaname, tablename) as name
        from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')`;
      const rows: [string, Buffer][] = [];
      for (const { name } of tables) {
        const found = await sql.unsafe<{ row: string }[]>(`select t::text as row from ${name} t`);
        rows.push([`rows of ${name}`, Buffer.from(found.map(({ row }) => row).join('\n'))]);
      }
      const files = new Set([...filesBelow(data_dir), ...filesBelow(folder)]);
      return [
        ...[...files].map((path): [string, Buffer] => [path, readFileSync(path)]),
        ...rows,
        ['the log', Buffer.from(product.log() + product.stdout())],
        ...printed.map((text, at): [string, Buffer] => [`output ${at}`, text]),
      ];
    });
  const placesOf = async (secrets: readonly (string | Buffer)[]): Promise<string[]> =>
    (await everything())
      .filter(([, content]) => secrets.some((secret) => holds(content, secret)))
      .map(([place]) => place);
  const totals = () =>
    withSql(
      (sql) => sql`
        select count(*) as calls, sum(customer_cost)::text as cost
        from gateway.api_request_s
        where journal_writer <> '00000000-0000-0000-0000-000000000000'`,
    );
  const loaded = async (calls: number): Promise<void> => {
    for (let tries = 0; Number((await totals())[0]!.calls) < calls; tries += 1) {
      assert.ok(tries < 100, 'the calls are loaded');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const pull = (name: string) =>
    command(
      'report',
      'hipaa-activity',
      ...['--from', '2026-01-01T00:00:00Z', '--to', '2027-01-01T00:00:00Z'],
      ...['--format', 'csv', '--out', join(data_dir, name)],
    );

  it('leaves the plaintext nowhere, and all other data unchanged', async () => {
    product = await products.start(data_dir);
    for (const slug of ['subject', 'other']) {
      const made = await send('POST', '/customers', { slug, name: `Clinic ${control}` });
      assert.equal(made.status, 201, made.text);
    }
    const { key } = (await send('POST', '/api-keys', { customer: 'subject', name: 'calls' })).json;
    const contact = {
      legal_name: marks.name,
      people: [{ role: 'primary', name: marks.name, email: `${marks.mail}@example.org` }],
      postal_address: { lines: [marks.street], city: 'Berlin', country: 'DE' },
    };
    assert.equal((await send('PUT', '/customers/subject/contact', { legal_name: marks.name })).status, 201);
    assert.equal((await send('PUT', '/customers/subject/contact', contact)).status, 200);
    assert.equal((await send('PUT', '/customers/other/contact', { legal_name: marks.other })).status, 201);
    const CALLS = 20;
    for (let at = 0; at < CALLS; at += 1) {
      const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Write to ${marks.name}` }] };
      assert.equal((await send('POST', '/v1/chat/completions', body, key as string)).status, 200);
    }
    await loaded(CALLS);
    await pull('before.csv');
    await command('keys', 'rotate');
    const before = await totals();

    // Of an export that its subject was given before, the erasure knows nothing: it lies elsewhere.
    const given = await runCommand(['privacy', 'export', 'subject', '--out', out], {
      ONEVAULT_DATA_DIR: data_dir,
    });
    assert.equal(given.code, 0, given.stderr);
    for (const file of ['subject.json', 'subject.html']) {
      const text = readFileSync(join(out, file), 'utf8');
      for (const mark of [marks.name, marks.mail, marks.street]) assert.ok(text.includes(mark), file);
      assert.ok(!text.includes(marks.other), 'of nobody else');
    }

    const secrets = [marks.name, marks.mail, marks.street];
    const in_clear = await placesOf([control]);
    assert.ok(
      in_clear.some((place) => place.includes('/base/')),
      'what stands in clear is found in a heap file',
    );
    assert.ok(
      in_clear.some((place) => place.includes('/pg_wal/')),
      'and in the write-ahead log',
    );
    assert.ok(in_clear.includes('rows of gateway.customer_config_s'), 'and in a dump of the rows');
    const hidden = newMarker();
    for (const [at, form] of formsOf(hidden).entries()) {
      writeFileSync(join(data_dir, `planted-${at}`), Buffer.concat([randomBytes(at), form, randomBytes(7)]));
    }
    const found = (await placesOf([hidden])).filter((place) => place.includes('planted-'));
    assert.equal(found.length, formsOf(hidden).length, 'each form is found wherever it lies');
    for (const path of found) rmSync(path);
    assert.deepEqual(await placesOf(secrets), [], 'encrypted before it is written');

    const [old] = await withSql(
      (sql) => sql<{ id: string; wrapped: string; master: string }[]>`
        select subject_key_id as id, encode(wrapped_key, 'hex') as wrapped, master_key_id as master
        from privacy.subject_key
        where customer_hk = (select customer_hk from gateway.customer_h where customer_bk = 'subject')`,
    );
    const backup = { wrapped_key: Buffer.from(old!.wrapped, 'hex'), master_key_id: old!.master };
    const place = { table: 'privacy.subject_key', key_id: old!.id };
    const subject_key = await kms().unwrap(backup, place);
    const master_keys = JSON.parse(readFileSync(join(data_dir, 'master-keys.json'), 'utf8')) as {
      keys: { key: string }[];
    };
    const old_masters = master_keys.keys.map(({ key }) => Buffer.from(key, 'base64'));
    assert.ok((await placesOf(old_masters)).some((path) => path.endsWith('master-keys.json')));
    assert.ok((await placesOf([backup.wrapped_key])).length > 0, 'the wrapped key lies about');

    const certificate = JSON.parse(
      await command('privacy', 'erase', 'subject', '--reason', 'Art. 17 request'),
    ) as ErasureCertificate;
    assert.equal(certificate.copies.status, 'worthless');
    assert.equal(certificate.states_erased, 2);

    const shown = await send('GET', '/customers/subject/contact');
    assert.deepEqual(
      (shown.json.data as { contact: object }).contact,
      { erased: true },
      'the running process has forgotten it at once',
    );
    await command('privacy', 'export', 'subject', '--out', join(data_dir, 'exports'));
    await pull('after.csv');
    assert.deepEqual(await placesOf(secrets), [], 'nowhere');
    assert.deepEqual(await placesOf([subject_key, ...old_masters]), [], 'nor any key that opens it');
    await assert.rejects(kms().unwrap(backup, place), /is not at hand/);
    const in_tables = (await placesOf([backup.wrapped_key])).filter((path) => !path.includes('/pg_wal/'));
    assert.deepEqual(in_tables, [], 'the wrapped key is left in the write-ahead log alone');

    assert.deepEqual(await totals(), before, 'totals stand');
    assert.match(await command('vault', 'check'), /^hashes +\d+ rows +sound$/m);
  });

  it('is kept after a crash and recovery, and other subjects can still be read', async () => {
    await product.killTree();
    product = await products.start(data_dir);
    const erased = await send('GET', '/customers/subject/contact/history');
    assert.deepEqual(
      (erased.json.data as { contact: object }[]).map(({ contact }) => contact),
      [{ erased: true }, { erased: true }],
    );
    const other = await send('GET', '/customers/other/contact');
    assert.deepEqual((other.json.data as { contact: object }).contact, { legal_name: marks.other });
    assert.deepEqual(await placesOf([marks.name, marks.mail, marks.street]), []);
  });
});
