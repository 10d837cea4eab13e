import assert from 'node:assert/strict';

import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { checkpointAt, latestCheckpoint } from '../../../src/audit/checkpoints.ts';
import { CertificateNotCoveredError } from '../../../src/audit/destroyed.ts';
import { bundleLines, planBundle } from '../../../src/audit/export-bundle.ts';
import { findLeaf } from '../../../src/audit/find-leaf.ts';
import { consistencyProof, inclusionProof } from '../../../src/audit/proofs.ts';
import { createReadLeaves } from '../../../src/audit/read-leaves.ts';
import { instantOf } from '../../../src/core/clock.ts';
import { pullReport } from '../../../src/modules/reports/pull-report.ts';
import { checkVault } from '../../../src/vault/check/check-vault.ts';
import { createVerifier } from '../../../verifier/onevault-verify.mjs';
import { runCommand } from '../../server/product-process.ts';
import { REPORTS_DIR, testRegistry } from '../../support/calls.ts';
import { temporaryPath } from '../../support/server.ts';
import { certificates, createOldVault, daysBefore, NOW, type OldVault, totals } from './retention-fixture.ts';

const DAY_MS = 86_400_000;

describe('the destruction of calls', () => {
  let vault: OldVault;
  beforeEach(async () => {
    vault = await createOldVault();
    await vault.send(
      { request_timestamp: '2020-02-29T08:00:00.000Z', request_id: KNOWN_ID },
      { request_timestamp: '2020-02-29T09:00:00.000Z', customer: 'bolt' },
      { request_timestamp: '2026-06-20T12:00:00.000Z' },
    );
    await vault.settle();
  });
  afterEach(() => vault.database.drop());

  const KNOWN_ID = '01709000-0000-7000-9000-00000000beef';
  const registry = testRegistry();
  const asSuperuser = (statement: string) =>
    vault.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx.unsafe(statement);
    });
  const drop = ['h', 'l', 's', 'route_s', 'idempotency_s']
    .map((table) => `drop table gateway.api_request_${table}_p20200229`)
    .join(';');
  const faultsOfCheck = async (): Promise<string[]> =>
    (await checkVault({ sql: vault.sql, registry, clock: vault.clock })).flatMap(({ first }) => first);

  it('is refused by the database without a certificate, with a wrong count, for recent days and for customers under a hold', async () => {
    const { sql } = vault;
    await assert.rejects(sql`select util.drop_day('2020-02-29', 'calls-2020-02-29-1')`, /has written no certificate/);
    const certify = (day: string, rows: number) => `
      insert into ops.destruction_certificate_h values ('\\x01', now(), 'calls-${day}-1', 'thief');
      insert into ops.destruction_certificate_s values ('\\x01', now(), now(), '\\x02', 'calls', '${day}', 1, 2, 2,
        (select jsonb_agg(jsonb_build_object(
          'partition', partition, 'rows', case when partition like '%idempotency%' then 0 else ${rows} end))
          from util.partitions_of_day('${day}')),
        null, null, 2, sha256(''), null, null, null, 'none', 'none', 'thief');
      select util.drop_day('${day}', 'calls-${day}-1');`;
    const attempt = (statement: string) => sql.begin((tx) => tx.unsafe(statement));
    await assert.rejects(attempt(certify('2020-02-29', 2)), /does not count the 0 rows of gateway.api_request_route_s/);
    await assert.rejects(attempt(certify('2026-06-20', 1)), /younger than 183 days/);
    await vault.hold('bolt');
    await assert.rejects(attempt(certify('2020-02-29', 2)), /under a legal hold/);
    // One that another transaction wrote is worth nothing.
    await attempt(certify('2020-02-29', 2).replace(/select util.drop_day.*/, ''));
    await assert.rejects(sql`select util.drop_day('2020-02-29', 'calls-2020-02-29-1')`, /has written no certificate/);
    assert.deepEqual(await daysBefore(sql), ['2020-02-29', '2026-06-20']);
  });

  it('is refused in every way to the role that runs the gateway, and allowed to one other role', async () => {
    const denied = ['select util.drop_day($$2020-02-29$$, $$x$$)', 'select util.lock_day($$2020-02-29$$)', drop];
    for (const statement of denied) {
      const attempt = vault.sql.begin(async (tx) => {
        await tx`set local role onevault_gateway`;
        await tx.unsafe(statement);
      });
      await assert.rejects(attempt, { code: '42501' }, statement);
    }
    await assert.rejects(
      vault.sql.begin(async (tx) => {
        await tx`set local role onevault_retention`;
        await tx.unsafe('select util.drop_day($$2020-02-29$$, $$x$$)');
      }),
      /has written no certificate/,
    );
    await assert.rejects(
      vault.sql.begin(async (tx) => {
        await tx`set local role onevault_retention`;
        await tx.unsafe(drop);
      }),
      { code: '42501' },
    );
  });

  it("is reported as a fault without a certificate by the vault's check and the log's verification", async () => {
    await asSuperuser(drop);
    assert.deepEqual((await faultsOfCheck()).sort(), [
      '3 calls were logged; 1 stand, and certificates are for 0 others',
      'the calls of 2020-02-29 are gone, and no certificate says why',
    ]);
    assert.deepEqual(
      (await vault.verify()).faults.map(({ kind }) => kind),
      ['row_gone', 'row_gone'],
    );
  });

  it('is reported as a fault if the certificate was changed, removed, or covers other calls', async () => {
    await vault.retain();
    await vault.seal();
    await vault.assertSound();
    const damages: [string, string[]][] = [
      [`update ops.destruction_certificate_s set leaf_count = 1 where call_count = 2`, ['destruction', 'payload']],
      [
        `update ops.destruction_certificate_s set leaves_sha256 = sha256('x') where call_count = 2`,
        ['destruction', 'payload'],
      ],
      [`delete from ops.destruction_certificate_s where call_count = 2`, ['destruction', 'row_gone']],
      [`delete from ops.destruction_certificate_h where record_source <> 'ghost'`, ['destruction', 'row_gone']],
      [`delete from ops.destruction_leaves_s where record_source <> 'ghost'`, ['row_gone', 'destruction']],
      [
        `update ops.destruction_leaves_s set leaf_count = 1 where record_source <> 'ghost'`,
        ['row_gone', 'destruction', 'payload'],
      ],
      [
        `update ops.destruction_leaves_s set first_leaf = first_leaf + 1 where record_source <> 'ghost'`,
        ['row_gone', 'destruction', 'payload'],
      ],
    ];
    for (const [damage, kinds] of damages) {
      const rolled_back = new Error('rolled back');
      await asSuperuser('select 1');
      await vault.sql
        .begin(async (tx) => {
          await tx`set local session_replication_role = replica`;
          await tx.unsafe(damage);
          const found = new Set((await vault.verifyIn(tx)).faults.map(({ kind }) => kind));
          assert.deepEqual([...found].sort(), kinds.sort(), damage);
          throw rolled_back;
        })
        .catch((error: unknown) => assert.equal(error, rolled_back));
    }
    // Calls of a day that was destroyed lawfully do not hide others that are gone.
    await asSuperuser(`delete from gateway.api_request_s where load_date = '2026-06-20 12:00:01+00'`);
    assert.ok((await vault.verify()).fault_count > 0);
    assert.deepEqual(await faultsOfCheck(), ['3 calls were logged; 0 stand, and certificates are for 2 others']);
  });

  it('leaves old proofs of destroyed calls valid, and new ones possible', async () => {
    const { sql } = vault;
    const leaf = (await findLeaf(sql, registry, { request_id: KNOWN_ID }))!;
    const index = leaf.first_index! + leaf.offset;
    const { tree_size, root_hash } = (await latestCheckpoint(sql))!;
    const proof = await inclusionProof(sql, { index, tree_size });
    await vault.retain();
    await vault.seal();
    assert.equal(await findLeaf(sql, registry, { request_id: KNOWN_ID }), null);
    assert.deepEqual(await inclusionProof(sql, { index, tree_size }), proof);
    assert.equal((await checkpointAt(sql, tree_size))!.root_hash, root_hash);
    const later = (await latestCheckpoint(sql))!;
    assert.ok(later.tree_size > tree_size);
    assert.ok((await consistencyProof(sql, tree_size, later.tree_size)).length > 0);
    const [[gone] = []] = await Array.fromAsync(createReadLeaves(registry)(sql, { from: index, to: index + 1 }));
    assert.equal(gone?.leaf_hash, leaf.leaf_hash);
    assert.equal(gone?.gone, 'destroyed under certificate calls-2020-02-29-1');
  });

  const bundle = async (part: { from?: number } = {}): Promise<string[]> =>
    (await vault.sql.begin('isolation level repeatable read read only', async (tx) => {
      const input = (await planBundle(tx, { from: null, to: null, customer: null, made_at: NOW }))!;
      const lines: string[] = [];
      const deps = { registry, readLeaves: createReadLeaves(registry) };
      for await (const page of bundleLines(tx, deps, { ...input, ...part })) {
        lines.push(...page.map((line) => JSON.stringify(line)));
      }
      return lines;
    })) as string[];

  it('is in complete bundles with its certificate, which a verifier compares with the leaves', async () => {
    await vault.retain();
    await assert.rejects(bundle(), CertificateNotCoveredError);
    await vault.seal();
    const lines = await bundle();
    const keys = lines.flatMap((line) => (line.startsWith('{"kind":"key"') ? JSON.parse(line).verifier_key : []));
    const verify = (given: readonly string[]) => {
      const verifier = createVerifier({ keys });
      for (const line of given) verifier.take(line);
      return verifier.finish();
    };
    const sound = verify(lines);
    assert.deepEqual(sound.faults, []);
    assert.match(sound.words.join('\n'), /Everything is here/);
    assert.match(sound.words.join('\n'), /Destroyed: 2 leaves/);
    const at = lines.findIndex((line) => line.startsWith('{"kind":"destroyed"'));
    const destroyed = JSON.parse(lines[at]!);
    assert.equal(destroyed.hashes.length, 2);
    const renamed = JSON.stringify({ ...destroyed, certificate: 'calls-2020-02-29-9' });
    assert.deepEqual(
      verify(lines.with(at, renamed)).faults.map(({ kind }) => kind),
      ['destruction', 'destruction'],
    );
    // Leaves of calls that stand, passed off as destroyed with the others.
    const leaf_line = lines.findIndex((line) => line.includes('"kind":"leaf"') && line.includes('api_request_s'));
    const leaf = JSON.parse(lines[leaf_line]!);
    const hidden = JSON.stringify({ ...destroyed, index: leaf.index, hashes: [leaf.hash] });
    assert.ok(verify(lines.with(leaf_line, hidden)).faults.some(({ kind }) => kind === 'destruction'));
    const part = await bundle({ from: 1 });
    assert.ok(!part.some((line) => line.startsWith('{"kind":"destroyed"')));
    assert.deepEqual(verify(part).faults, []);
  });

  it('is named in every report of its period, for any known instant', async () => {
    const pull = async (customer?: string): Promise<string[]> => {
      let text = '';
      await pullReport(
        {
          sql: vault.sql,
          registry,
          clock: vault.clock,
          reports_dir: REPORTS_DIR,
          code_version: '0',
          actor: { actor_kind: 'command', actor: 'tester' },
        },
        {
          name: 'hipaa-activity',
          from: '2020-02-01T00:00:00Z',
          to: '2020-03-01T00:00:00Z',
          known: '2026-11-21T10:02:00.000Z',
          format: 'json',
          customer,
          requested_by: 'tester',
        },
        (piece) => {
          text += piece;
        },
      );
      return JSON.parse(text).evidence.exceptions;
    };
    vault.clock.advance(600_000);
    assert.deepEqual(await pull(), []);
    await vault.retain();
    const note =
      'that were recorded on 2020-02-29 were destroyed after their retention: certificate calls-2020-02-29-1';
    assert.deepEqual(await pull(), [`2 calls ${note}`]);
    assert.deepEqual(await pull('bolt'), [`1 calls ${note}`]);
  });

  it('waits for a hold in progress, and then keeps the day', async () => {
    const laying = vault.sql.begin(async (tx) => {
      await tx`insert into privacy.legal_hold_h values ('\\x07', now(), 'late', 'test')`;
      await tx`
        insert into privacy.legal_hold_customer_l
        select '\\x08', now(), '\\x07', customer_hk, 'test'
        from gateway.customer_h
        where customer_bk = 'bolt'`;
      await tx`
        insert into privacy.legal_hold_s values ('\\x07', now(), now(), '\\x09', 'ACTIVE', 'case', 'counsel', 'test')`;
      await sleep(2_000);
    });
    await sleep(100);
    const { left_undone } = await vault.retain();
    await laying;
    assert.match(
      left_undone?.[0] ?? '',
      /2020-02-29 is kept: the calls of 2020-02-29 belong to a customer under a legal hold/,
    );
  });

  it('is announced by the command retention plan, and can be started by an operator', async function () {
    this.timeout(300_000);
    const folder = temporaryPath();
    const environment = { DATABASE_URL: vault.database.url, ONEVAULT_DATA_DIR: folder };
    const run = (days: string, ...args: string[]) =>
      runCommand(args, { ...environment, ONEVAULT_RETENTION_DAYS: days });
    try {
      const planned = await run('2000', 'retention', 'plan');
      assert.match(planned.stdout, /1 days are past their age of 2000 days/);
      assert.match(planned.stdout, /2020-02-29 {2}2 calls of 2 customers: would go/);
      assert.match((await run('0', 'retention', 'plan')).stdout, /kept for ever/);
      assert.match((await run('182', 'retention', 'plan')).stderr, /must be at least 183, or 0/);
      assert.match((await run('200', 'retention', 'plan', '--at', 'soon')).stderr, /not an instant/);
      assert.deepEqual(await certificates(vault.sql), []);
      const job = await run('2000', 'job', 'retention');
      assert.match(job.stdout, /"rows_out": 1/);
      assert.deepEqual(
        (await certificates(vault.sql)).map(({ certificate }) => certificate),
        ['calls-2020-02-29-1'],
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('any destruction of calls', () => {
  const call = fc.record({
    day: fc.integer({ min: 0, max: 4 }),
    second: fc.integer({ min: 0, max: 86_399 }),
    lasts_s: fc.constantFrom(0, 1, 3_600, 86_400),
    customer: fc.constantFrom('acme', 'bolt', null),
    batch: fc.integer({ min: 0, max: 3 }),
    customer_cost: fc.bigInt({ min: 0n, max: 10n ** 14n }),
  });

  it('destroys exactly the certified days, and changes no sum', async function () {
    this.timeout(300_000);
    const first_ms = Date.parse('2020-02-25T00:00:00Z');
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { maxLength: 30 }),
        fc.array(fc.integer({ min: 183, max: 2_400 }), { minLength: 2, maxLength: 2 }),
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 2 }),
        fc.constantFrom(null, 'acme', 'bolt'),
        async (calls, ages, offsets, held) => {
          const vault = await createOldVault();
          try {
            for (const batch of [0, 1, 2, 3]) {
              const sent = calls
                .filter((each) => each.batch === batch)
                .map(({ day, second, lasts_s, customer, customer_cost }) => {
                  const begun_ms = first_ms + day * DAY_MS + second * 1_000;
                  return {
                    customer,
                    request_timestamp: instantOf(begun_ms),
                    recorded_at: instantOf(begun_ms + lasts_s * 1_000),
                    provider_cost: customer_cost.toString(),
                    gateway_markup: '0',
                    customer_cost: customer_cost.toString(),
                  };
                });
              await vault.send(...sent);
            }
            await vault.settle();
            if (held !== null) await vault.hold(held);
            const sums = await totals(vault.sql);
            const expected = new Map<string, number>();
            const held_days = new Set<string>();
            for (const { day, second, lasts_s, customer } of calls) {
              const recorded = instantOf(first_ms + day * DAY_MS + (second + lasts_s) * 1_000).slice(0, 10);
              expected.set(recorded, (expected.get(recorded) ?? 0) + 1);
              if (customer !== null && customer === held) held_days.add(recorded);
            }
            for (const [place, age] of ages.entries()) {
              const end_ms = first_ms + (offsets[place] ?? 0) * DAY_MS + age * DAY_MS;
              await vault.retain({ retention_days: age, at: instantOf(end_ms) });
              for (const day of [...expected.keys()]) {
                const is_due = Date.parse(`${day}T00:00:00Z`) + DAY_MS + age * DAY_MS <= end_ms;
                if (is_due && !held_days.has(day)) {
                  const [certificate] = (await certificates(vault.sql)).filter((each) => each.day === day);
                  assert.equal(certificate?.calls, expected.get(day));
                  expected.delete(day);
                }
              }
              assert.deepEqual(await daysBefore(vault.sql), [...expected.keys()].sort());
            }
            await vault.assertSound();
            await vault.settle();
            await vault.assertSound();
            assert.deepEqual(await totals(vault.sql), sums);
          } finally {
            await vault.database.drop();
          }
        },
      ),
      { numRuns: 5 },
    );
  });
});
