import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BundleLine } from '../../src/audit/bundle-lines.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createVerifier, FAULTS, type Report } from '../../verifier/onevault-verify.mjs';
import { assertLinearTime } from '../support/growth.ts';
import { callRows, rows, stamp, tenantRows } from '../vault/vault-fixture.ts';
import { bundleOf, checkpointNote, createSigner, hashesOf, LEAVES, ORIGIN } from './bundle-fixture.ts';

const signer = createSigner();
const keys = [signer.verifier_key];

interface Choice {
  readonly against?: readonly { note: string; source: string }[];
  readonly keys?: readonly string[];
}

const verify = (lines: readonly (BundleLine | string)[], choice: Choice = {}): Report => {
  const verifier = createVerifier({ keys, ...choice });
  for (const line of lines) verifier.take(typeof line === 'string' ? line : JSON.stringify(line));
  return verifier.finish();
};

const kindsOf = (report: Report): string[] => [...new Set(report.faults.map(({ kind }) => kind))].sort();

/** A deep copy that a test may change. */
// biome-ignore lint/suspicious/noExplicitAny: a test changes lines of any form
const copyOf = (lines: readonly BundleLine[]): any[] => structuredClone(lines) as any[];

const JOURNAL: BundleLine[] = [
  {
    kind: 'journal_batch',
    writer: '019aa000-0000-7000-8000-000000000000',
    first_sequence: 1,
    last_sequence: 60,
    record_count: 60,
  },
  {
    kind: 'journal_batch',
    writer: '019aa000-0000-7000-8000-000000000000',
    first_sequence: 61,
    last_sequence: 200,
    record_count: 140,
  },
];

describe('the offline verifier', () => {
  it('finds no fault in a valid bundle of everything, and reports its checks', () => {
    const report = verify(bundleOf(signer, LEAVES, { sizes: [1, 4, 12, 13] }));
    assert.deepEqual(report.faults, []);
    assert.equal(report.counts.leaves, LEAVES.length);
    assert.equal(report.counts.rows, LEAVES.flat().length);
    assert.equal(report.counts.checkpoints, 5);
    assert.match(report.words.join('\n'), /Everything is here[\s\S]*are signed by a given key/);
  });

  it('finds no fault in a valid part, whatever leaves it contains', () => {
    for (const given of [
      (index: number) => index === 7,
      (index: number) => index > 2 && index < 9,
      () => false,
      (index: number) => index % 3 === 0 && index < 9,
    ]) {
      const report = verify(bundleOf(signer, LEAVES, { given, sizes: [5, 8, 14] }));
      assert.deepEqual(report.faults, []);
      assert.match(report.words.join('\n'), /NOT proven by a part/);
    }
  });

  it('reports a change of any column of any row', () => {
    const sound = bundleOf(signer, LEAVES);
    let tried = 0;
    for (const [at, line] of sound.entries()) {
      if (line.kind !== 'leaf') continue;
      for (const [place, row] of (line.rows as VaultRow[]).entries()) {
        for (const [column, value] of Object.entries(row.values)) {
          const spoiled = copyOf(sound);
          spoiled[at].rows[place].values[column] = changed(value);
          const report = verify(spoiled);
          assert.ok(report.fault_count > 0, `${row.table}.${column}`);
          const kinds = kindsOf(report);
          const allowed = expectedKinds(row.table, column);
          assert.ok(
            kinds.every((kind) => allowed.includes(kind)),
            `${row.table}.${column}: ${kinds}`,
          );
          const named = [row.table, `leaf ${String(line.index)} `];
          assert.ok(report.faults.some(({ message }) => named.some((name) => message.includes(name))));
          tried += 1;
        }
      }
    }
    assert.ok(tried > 900, `${tried}`);
  });

  it('reports a row that was changed together with its hashes', () => {
    const sound = bundleOf(signer, LEAVES);
    const spoiled = copyOf(sound);
    const leaf = spoiled.find((line) => line.kind === 'leaf' && line.rows[0].table === 'tenant_s');
    const forged = tenantRows('north', 'Another', stamp(1)).find(({ table }) => table === 'tenant_s')!;
    leaf.rows = [forged];
    const report = verify(spoiled);
    assert.deepEqual(kindsOf(report), ['entry']);
    assert.match(report.faults[0]!.message, /tenant_s/);
    // A change of the leaf's hash does not help either, because it changes the root.
    leaf.hash = hashesOf([[forged]])[0]!.toString('hex');
    assert.deepEqual(kindsOf(verify(spoiled)), ['history']);
  });

  it('reports missing and added rows', () => {
    const sound = bundleOf(signer, LEAVES);
    const leafAt = sound.findIndex((line) => line.kind === 'leaf');
    const without = (table: string): Report => {
      const spoiled = copyOf(sound);
      const leaf = spoiled[leafAt];
      leaf.rows = leaf.rows.filter((row: VaultRow) => row.table !== table);
      spoiled.at(-1).rows -= 1;
      return verify(spoiled);
    };
    assert.deepEqual(kindsOf(without('api_request_h')), ['row_gone']);
    assert.deepEqual(kindsOf(without('api_request_l')), ['row_gone']);
    assert.deepEqual(kindsOf(without('api_request_s')), ['row_gone']);
    assert.deepEqual(kindsOf(without('api_request_route_s')), ['entry']);

    const gone = copyOf(sound);
    gone.at(-1).rows -= gone[leafAt].rows.length;
    Object.assign(gone[leafAt], { rows: [], gone: 'journal writer w, record 5' });
    const report = verify(gone);
    assert.deepEqual(kindsOf(report), ['row_gone']);
    assert.match(report.faults[0]!.message, /record 5/);

    const added = copyOf(sound);
    added[leafAt].rows.push(...callRows(77));
    added.at(-1).rows += 4;
    assert.deepEqual(kindsOf(verify(added)), ['row_added']);
    const twice = copyOf(sound);
    twice[leafAt].rows.push(callRows(77)[1]);
    twice.at(-1).rows += 1;
    assert.deepEqual(kindsOf(verify(twice)), ['row_added']);
  });

  it('reports leaves that were reordered, removed or inserted, and a cut tail', () => {
    const sound = bundleOf(signer, LEAVES, { sizes: [4, 12] });
    const leafLines = sound.flatMap((line, at) => (line.kind === 'leaf' ? [at] : []));
    const swapped = copyOf(sound);
    const [a, b] = [swapped[leafLines[5]!], swapped[leafLines[6]!]];
    [a.rows, b.rows, a.hash, b.hash] = [b.rows, a.rows, b.hash, a.hash];
    const report = verify(swapped);
    assert.deepEqual(kindsOf(report), ['history']);
    assert.match(report.faults[0]!.message, /leaves 4 to 11/);

    const out = copyOf(sound).filter((_, at) => at !== leafLines[5]);
    assert.ok(kindsOf(verify(out)).includes('order'));
    const renumbered = out.map((line) =>
      line.kind === 'leaf' && line.index > 5 ? { ...line, index: line.index - 1 } : line,
    );
    assert.ok(kindsOf(verify(renumbered)).includes('tail_cut'));
    const cut = copyOf(sound).slice(0, leafLines.at(-3));
    assert.deepEqual(kindsOf(verify(cut)), ['count', 'tail_cut']);
    const beyond = copyOf(sound);
    beyond.splice(-1, 0, { kind: 'leaf', index: LEAVES.length, rows: callRows(500) });
    beyond.at(-1).leaves += 1;
    beyond.at(-1).rows += 4;
    assert.deepEqual(kindsOf(verify(beyond)), ['row_added']);
  });

  it('reports forged, foreign and contradicting checkpoints, and a split view', () => {
    const sound = bundleOf(signer, LEAVES, { sizes: [4, 12] });
    const replaceNewest = (note: string, choice: Choice = {}): string[] => {
      const spoiled = copyOf(sound);
      spoiled.find(({ kind }) => kind === 'checkpoint').note = note;
      return kindsOf(verify(spoiled, choice));
    };
    const hashes = hashesOf(LEAVES);
    const other_hashes = hashesOf([...LEAVES.slice(0, -1), callRows(999)]);
    const stranger = createSigner();
    assert.deepEqual(replaceNewest(checkpointNote(stranger, hashes)), ['other_key']);
    assert.deepEqual(replaceNewest(checkpointNote(signer, other_hashes)), ['history']);
    const forged = checkpointNote(signer, hashes).replace(
      /\n[A-Za-z0-9+/]{4}/,
      (start) => `\n${start[1] === 'A' ? 'B' : 'A'}${start.slice(2)}`,
    );
    assert.deepEqual(replaceNewest(forged), ['forged_checkpoint']);
    assert.deepEqual(replaceNewest('nothing'), ['count', 'malformed']);
    assert.deepEqual(kindsOf(verify(sound, { keys: [stranger.verifier_key] })), ['other_key']);
    assert.deepEqual(replaceNewest(checkpointNote(createSigner('other/log'), hashes, 'other/log')), ['other_key']);

    const against = (note: string) => verify(sound, { against: [{ note, source: 'a witness' }] });
    assert.deepEqual(kindsOf(against(checkpointNote(signer, hashes))), []);
    assert.deepEqual(kindsOf(against(checkpointNote(signer, hashes.slice(0, 7)))), []);
    assert.deepEqual(kindsOf(against(checkpointNote(signer, other_hashes))), ['split_view']);
    assert.deepEqual(kindsOf(against(checkpointNote(signer, hashesOf(callsOf(7).reverse())))), ['split_view']);
    // A bundle may be older than a checkpoint, which it reports.
    const newer = against(checkpointNote(signer, [...hashes, hashes[0]!]));
    assert.deepEqual(kindsOf(newer), []);
    assert.match(newer.words.join('\n'), /NOT compared: 1/);
    assert.deepEqual(kindsOf(against(checkpointNote(stranger, hashes))), ['other_key']);
    const within = copyOf(sound);
    within.filter(({ kind }) => kind === 'checkpoint')[1].note = checkpointNote(signer, hashesOf(callsOf(4).reverse()));
    assert.deepEqual(kindsOf(verify(within)), ['split_view']);
  });

  it('reports gaps of a journal and sequences that are claimed twice', () => {
    const sound = bundleOf(signer, callsOf(5).map(own), { journal: JOURNAL });
    assert.deepEqual(kindsOf(verify(sound)), []);
    const gap = sound.filter((line) => line.first_sequence !== 1);
    assert.ok(kindsOf(verify(gap)).includes('journal_gap'));
    const short = bundleOf(signer, callsOf(5).map(own), {
      journal: [{ ...JOURNAL[0]!, last_sequence: 3, record_count: 3 }],
    });
    assert.deepEqual(kindsOf(verify(short)), ['journal_claim']);
    const twice = bundleOf(signer, [own(callRows(1)), own(callRows(2, { journal_sequence: 2 }))], {
      journal: JOURNAL,
    });
    assert.deepEqual(kindsOf(verify(twice)), ['journal_claim']);
  });

  it('reports malformed lines, and continues after them', () => {
    const sound = bundleOf(signer, LEAVES);
    for (const bad of [
      '',
      '{',
      'null',
      '[]',
      '7',
      '{"kind":"leaf"}',
      '{"kind":"__proto__"}',
      '{"kind":"node","level":-1,"index":0,"hash":"x"}',
      '\u0000',
      '{"kind":"entity","table":"x_h","entity_kind":"hub","columns":[]}',
      '{"kind":"leaf","index":0,"rows":[{}]}',
      `${'['.repeat(20_000)}`,
    ]) {
      const report = verify([...sound.slice(0, 5), bad, ...sound.slice(5)]);
      assert.ok(kindsOf(report).includes('malformed'), bad);
    }
    assert.ok(kindsOf(verify([])).includes('count'));
    assert.ok(kindsOf(verify(sound.slice(1))).includes('malformed'));
    assert.ok(kindsOf(verify(sound.slice(0, -1))).includes('count'));
  });

  it('refuses tables with columns that no hash covers', () => {
    const spoiled = copyOf(bundleOf(signer, LEAVES));
    const entity = spoiled.find(({ table }) => table === 'tenant_s');
    entity.payload = entity.payload.filter((name: string) => name !== 'tenant_name');
    assert.ok(kindsOf(verify(spoiled)).includes('malformed'));
  });

  it('explains each of its faults in its README', () => {
    const readme = readFileSync(new URL('../../verifier/README.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| `([a-z_]+)` \| ([^|]+) \|$/gm)].map(([, name, says]) => [name, says]);
    const faults = rows.filter(([name]) => Object.hasOwn(FAULTS, name!));
    assert.deepEqual(Object.fromEntries(faults), FAULTS);
  });

  it('runs without the product on the installed Node, with an exit code for each outcome', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onevault-verify-'));
    try {
      const path = (name: string): string => join(folder, name);
      const text = (lines: readonly unknown[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      const sound = bundleOf(signer, LEAVES);
      writeFileSync(path('verify.mjs'), readFileSync(new URL('../../verifier/onevault-verify.mjs', import.meta.url)));
      writeFileSync(path('sound.jsonl.gz'), gzipSync(text(sound)));
      writeFileSync(path('cut.jsonl'), text(sound.slice(0, -2)));
      const run = (...args: string[]) => spawnSync('node', [path('verify.mjs'), ...args], { encoding: 'utf8' });
      const good = run(path('sound.jsonl.gz'), '--key', signer.verifier_key);
      assert.deepEqual([good.status, /SOUND: no fault/.test(good.stdout)], [0, true], good.stderr);
      const bad = run(path('cut.jsonl'), '--key', signer.verifier_key);
      assert.deepEqual([bad.status, /FAULT tail_cut/.test(bad.stdout)], [1, true], bad.stderr);
      for (const args of [
        [],
        [path('sound.jsonl.gz')],
        [path('none'), '--key', signer.verifier_key],
        [path('cut.jsonl'), '--key', 'x'],
      ]) {
        assert.equal(run(...args).status, 2, args.join(' '));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('checks a bundle in time proportional to its rows', async () => {
    const bundles = new Map(
      [500, 4_000].map((calls) => [calls, bundleOf(signer, callsOf(calls)).map((line) => JSON.stringify(line))]),
    );
    await assertLinearTime((calls) => assert.deepEqual(verify(bundles.get(calls)!).faults, []), 4_000);
  }).timeout(600_000);

  it('parses verifier keys strictly', () => {
    for (const key of [
      '',
      'x',
      `${ORIGIN}+00000000+AAAA`,
      signer.verifier_key.slice(0, -4),
      signer.verifier_key.replace(/\+.{8}\+/, '+00000000+'),
    ]) {
      assert.throws(() => createVerifier({ keys: [key] }), /verifier key/);
    }
  });
});

const callsOf = (count: number): VaultRow[][] => Array.from({ length: count }, (_, number) => callRows(number));

/** The same call without an intent. */
const own = (call: VaultRow[]): VaultRow[] => {
  const satellite = call.find(({ table }) => table === 'api_request_s')!;
  const {
    api_request_hk,
    load_date,
    applied_date,
    hash_diff: _,
    record_source,
    ...payload
  } = satellite.values as never as Record<string, never>;
  const made = rows.satellite(
    'api_request_s',
    api_request_hk!,
    { ...(payload as never as object), intent_sequence: null } as never,
    { load_date: load_date!, applied_date: applied_date!, record_source: record_source! },
  );
  return call.map((row) => (row === satellite ? made : row));
};

/** Another value of the same kind. */
const changed = (value: unknown): unknown => {
  if (value === null) return 1;
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return [...value, 'x'];
  if (typeof value === 'object') return { ...value, x: 1 };
  const text = String(value);
  // The last digit of an instant is before its Z.
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? text.length - 2 : text.length - 1;
  if (text === '') return 'x';
  const other = text[at] === '1' ? '2' : '1';
  return text.slice(0, at) + other + text.slice(at + 1);
};

const expectedKinds = (table: string, column: string): string[] => {
  if (['load_date', 'record_source', 'applied_date'].includes(column)) return ['entry', 'payload'];
  if (column === 'hash_diff') return ['payload', 'entry'];
  if (table.endsWith('_h')) return ['hub_key', 'entry', 'row_added'];
  if (table.endsWith('_l')) return ['link_key', 'entry'];
  return column.endsWith('_hk') ? ['entry', 'payload'] : ['payload', 'entry'];
};
