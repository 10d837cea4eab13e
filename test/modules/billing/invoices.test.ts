import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { fixedClock, instantOf } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { centsFromPico } from '../../../src/core/money.ts';
import { runJob } from '../../../src/jobs/run-job.ts';
import * as invoices from '../../../src/modules/billing/invoices.job.ts';
import { readInvoices } from '../../../src/modules/billing/read-invoices.ts';
import { writeInvoiceDocuments } from '../../../src/modules/billing/write-documents.ts';
import type { Sql } from '../../../src/postgres/connect.ts';
import { addCustomer, createCallFeed, jobDeps, testRegistry, WRITERS } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const MONTHS_MS = [0, 1, 2].map((month) => Date.UTC(2026, 7 + month, 1));
const AT = ['2026-09-01T00:15:00.000Z', '2026-10-01T00:15:00.000Z', '2026-11-01T00:15:00.000Z'];
const MONTH_SAFE_MS = 30 * 86_400_000;

const call = fc.record({
  month: fc.integer({ min: 0, max: 2 }),
  offset_ms: fc.integer({ min: 0, max: MONTH_SAFE_MS - 1 }),
  // The number of invoice runs that it is late.
  late: fc.constantFrom(0, 0, 0, 1, 2),
  customer: fc.constantFrom('acme', 'globex', 'initech'),
  model: fc.constantFrom('gpt-4o', 'gpt-4o-mini'),
  rating: fc.constantFrom('RATED', 'RATED', 'RATED', 'UNPRICED', 'NONE'),
  provider_cost: fc.bigInt({ min: 0n, max: 10n ** 12n }),
  gateway_markup: fc.bigInt({ min: 0n, max: 10n ** 11n }),
  writer: fc.constantFrom(...WRITERS),
});

type Generated = typeof call extends fc.Arbitrary<infer T> ? T : never;

const withDatabase = async (work: (database: TestDatabase) => Promise<void>): Promise<void> => {
  const database = await createTestDatabase();
  try {
    await work(database);
  } finally {
    await database.drop();
  }
};

describe('the job invoices', () => {
  it('bills every call exactly once, to the pico-dollar, in any order of arrival and of runs', async function () {
    this.timeout(300_000);
    const order = fc.constantFrom(AT, [AT[1]!, AT[0]!, AT[2]!], [AT[0]!, AT[0]!, AT[2]!]);
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 50 }), order, async (calls, instants) => {
        await withDatabase(async (database) => {
          const clock = fixedClock('2026-11-10T00:00:00Z');
          for (const customer of ['acme', 'globex', 'initech']) await addCustomer(database.sql, { customer });
          const feed = createCallFeed(database.sql, clock);
          const deps = jobDeps(database, clock);
          for (const [round, at] of instants.entries()) {
            const arrived = calls.filter((each) => each.month + each.late === round);
            for (const writer of WRITERS)
              await feed.send(arrived.filter((each) => each.writer === writer).map(toCall), writer);
            clock.advance(1_000);
            await runJob(deps, 'invoices', { at });
            clock.advance(1_000);
            await runJob(deps, 'invoices', { at });
            clock.advance(1_000);
          }
          await checkInvoices(database.sql, calls, instants);
        });
      }),
      { numRuns: 10 },
    );
  });

  it('numbers invoices without a gap, and bills no customer twice when runs overlap', async () => {
    await withDatabase(async (database) => {
      const clock = fixedClock('2026-11-10T00:00:00Z');
      const customers = Array.from({ length: 12 }, (_, place) => `customer-${place}`);
      for (const customer of customers) await addCustomer(database.sql, { customer });
      await createCallFeed(database.sql, clock).send(
        customers.map((customer) => ({ customer, request_timestamp: '2026-10-05T00:00:00.000Z' })),
      );
      clock.advance(1_000);
      // The job itself and not runJob, whose lease would let only one through.
      const context = {
        ...jobDeps(database, clock),
        sql: database.sql,
        at: AT[2]!,
        previous: null,
        log: silentLog,
      };
      const results = await Promise.all(Array.from({ length: 4 }, () => invoices.run(context)));
      assert.equal(
        results.reduce((sum, each) => sum + each.rows_out, 0),
        customers.length,
      );
      const documents = await readInvoices({ sql: database.sql, registry: testRegistry() }, '2026-10');
      assert.deepEqual(
        documents.map((each) => each.invoice_number),
        customers.map((_, place) => `ONEVAULT-2026-${String(place + 1).padStart(6, '0')}`),
      );
      assert.equal(new Set(documents.map((each) => each.customer)).size, customers.length);
    });
  });

  it('writes documents with the SHA-256 that the vault has', async () => {
    await withDatabase(async (database) => {
      const clock = fixedClock('2026-11-10T00:00:00Z');
      await addCustomer(database.sql, { customer: 'acme' });
      await createCallFeed(database.sql, clock).send([
        { request_timestamp: '2026-10-05T00:00:00.000Z' },
        {
          request_timestamp: '2026-10-06T00:00:00.000Z',
          rating: 'UNPRICED',
          provider_cost: null,
          gateway_markup: null,
          customer_cost: null,
        },
        {
          request_timestamp: '2026-10-07T00:00:00.000Z',
          rating: 'NONE',
          provider_cost: null,
          gateway_markup: null,
          customer_cost: null,
          provider: null,
          model: null,
          response_status: 'REFUSED',
          http_status: 402,
        },
      ]);
      clock.advance(1_000);
      await runJob(jobDeps(database, clock), 'invoices', { at: AT[2]! });
      const folder = mkdtempSync(join(tmpdir(), 'onevault-invoices-'));
      try {
        const deps = { sql: database.sql, registry: testRegistry() };
        const [file, ...others] = await writeInvoiceDocuments(deps, {
          folder: join(folder, 'new'),
          period: '2026-10',
        });
        assert.ok(file !== undefined && others.length === 0);
        const json = readFileSync(file.json_path);
        const [row] =
          await database.sql`select document_sha256 from billing.invoice_s_current where total_cents is not null and billing_entity = 'OneVault'`;
        assert.equal(createHash('sha256').update(json).digest('hex'), row?.document_sha256);
        const html = readFileSync(file.html_path, 'utf8');
        assert.match(html, /gpt-4o at openai: calls without a price, not charged/);
        assert.match(html, /Calls without usage \(refused, failed or given up\), not charged/);
        assert.equal(file.call_count, 3);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  it('bills the other customers, and fails with the reason, when a customer belongs to no tenant', async () => {
    await withDatabase(async (database) => {
      const clock = fixedClock('2026-11-10T00:00:00Z');
      await addCustomer(database.sql, { customer: 'acme' });
      await addCustomer(database.sql, { customer: 'stray', tenant: null });
      const at = '2026-10-05T00:00:00.000Z';
      await createCallFeed(database.sql, clock).send([
        { request_timestamp: at },
        { request_timestamp: at, customer: 'stray' },
      ]);
      clock.advance(1_000);
      await assert.rejects(runJob(jobDeps(database, clock), 'invoices', { at: AT[2]! }), /stray belongs to no tenant/);
      const documents = await readInvoices({ sql: database.sql, registry: testRegistry() }, undefined);
      assert.deepEqual(
        documents.map((each) => each.customer),
        ['acme'],
      );
    });
  });
});

const toCall = ({
  month,
  offset_ms,
  late: _,
  writer: __,
  provider_cost,
  gateway_markup,
  rating,
  ...facts
}: Generated) => ({
  ...facts,
  rating: rating as 'RATED',
  request_timestamp: instantOf(MONTHS_MS[month]! + offset_ms),
  provider_cost: rating === 'RATED' ? provider_cost.toString() : null,
  gateway_markup: rating === 'RATED' ? gateway_markup.toString() : null,
  customer_cost: rating === 'RATED' ? (provider_cost + gateway_markup).toString() : null,
});

const checkInvoices = async (sql: Sql, calls: readonly Generated[], instants: readonly string[]): Promise<void> => {
  const documents = await readInvoices({ sql, registry: testRegistry() }, undefined);
  assert.deepEqual(
    documents.map((each) => each.invoice_number),
    documents.map((_, place) => `ONEVAULT-2026-${String(place + 1).padStart(6, '0')}`),
  );
  for (const document of documents) {
    assert.equal(BigInt(document.total_cents), centsFromPico(BigInt(document.total)));
    assert.equal(
      document.lines.reduce((sum, line) => sum + line.amount_cents, 0),
      document.total_cents,
    );
    assert.equal(
      document.lines.reduce((sum, line) => sum + BigInt(line.amount), 0n),
      BigInt(document.total),
    );
  }
  for (const customer of ['acme', 'globex', 'initech']) {
    const its = documents.filter((each) => each.customer === customer);
    assert.equal(new Set(its.map((each) => each.billing_period)).size, its.length, 'one invoice a period');
    const expected = billable(
      calls.filter((each) => each.customer === customer),
      instants,
    );
    const sums = [0n, 0n];
    for (const { total, call_count, lines } of its) {
      sums[0]! += BigInt(total);
      sums[1]! += BigInt(
        call_count - lines.filter((line) => line.provider === null).reduce((sum, line) => sum + line.call_count, 0),
      );
    }
    assert.deepEqual(sums, expected);
  }
};

/** Price and number of the calls with usage that some run must have billed: it came by then, for a month not billed yet. */
const billable = (calls: readonly Generated[], instants: readonly string[]): [bigint, bigint] => {
  const billed = new Set<Generated>();
  const done = new Set<string>();
  for (const [round, at] of instants.entries()) {
    if (done.has(at)) continue;
    const fresh = calls.filter(
      (each) =>
        !billed.has(each) &&
        each.rating !== 'NONE' &&
        each.month + each.late <= round &&
        MONTHS_MS[each.month]! + each.offset_ms < Date.parse(`${at.slice(0, 7)}-01T00:00:00Z`),
    );
    if (fresh.length > 0) done.add(at);
    for (const each of fresh) billed.add(each);
  }
  return [
    [...billed].reduce(
      (sum, each) => sum + (each.rating === 'RATED' ? each.provider_cost + each.gateway_markup : 0n),
      0n,
    ),
    BigInt(billed.size),
  ];
};
