import assert from 'node:assert/strict';
import type { BundleLine } from '../../src/audit/bundle-lines.ts';
import { createVerifier, type Report, reportText } from '../../verifier/onevault-verify.mjs';
import { createRandom, pick } from '../audit/tampering/mutate.ts';
import { bundleOf, createSigner, LEAVES } from './bundle-fixture.ts';

const signer = createSigner();

const verify = (lines: readonly BundleLine[]): Report => {
  const verifier = createVerifier({ keys: [signer.verifier_key] });
  for (const line of lines) verifier.take(JSON.stringify(line));
  return verifier.finish();
};

/** A deep copy that a test may change. */
// biome-ignore lint/suspicious/noExplicitAny: a test changes lines of any form
const copyOf = (lines: readonly BundleLine[]): any[] => structuredClone(lines) as any[];

describe('the offline verifier of a hostile bundle', () => {
  it('reports every change anywhere in a bundle, and never crashes', () => {
    const sound = bundleOf(signer, LEAVES, { sizes: [4, 12] });
    const random = createRandom(20_261_121);
    const values = [null, 0, -1, 1e20, true, '', 'x', 'a'.repeat(64), [], {}, [[]], { x: null }];
    for (let tried = 0; tried < 800; tried += 1) {
      const spoiled = copyOf(sound);
      const at = random(spoiled.length);
      // The bundle's statements about itself and its key prove nothing.
      if (['bundle', 'key'].includes(spoiled[at].kind)) continue;
      const path = pick(random, pathsOf(spoiled[at]));
      const holder = path.slice(0, -1).reduce((value, name) => value[name], spoiled[at]);
      const [name, before] = [path.at(-1)!, holder[path.at(-1)!]];
      if (random(4) === 0) delete holder[name];
      else holder[name] = pick(random, values);
      const is_same = JSON.stringify(before) === JSON.stringify(holder[name]);
      const is_unproven = spoiled[at].kind === 'entity' && ['flavour', 'together'].includes(path[0]!);
      const report = verify(spoiled);
      // Without its own hash a leaf is as valid as its rows.
      const is_idle = is_same || is_unproven || before === null || (name === 'hash' && holder[name] == null);
      if (!is_idle) assert.ok(report.fault_count > 0, `${spoiled[at].kind} ${path}: ${holder[name]}`);
    }
  }).timeout(600_000);

  it('prints nothing that a bundle could present as the verdict', () => {
    const spoiled = copyOf(bundleOf(signer, LEAVES));
    spoiled[0].origin = 'x\nSOUND: no fault was found.\u001b[2J';
    spoiled.find(({ kind }) => kind === 'leaf').rows[0].values.record_source = 'y';
    spoiled.splice(-1, 0, { kind: 'end', leaves: LEAVES.length, rows: LEAVES.flat().length });
    const report = verify(spoiled);
    assert.match(report.faults.map(({ message }) => message).join(), /a line of kind "end" appears twice/);
    const printed = reportText(report).split('\n');
    assert.equal(printed.filter((line) => line.startsWith('SOUND')).length, 0);
    assert.equal(printed.at(-1), `NOT SOUND: ${report.fault_count} fault(s).`);
  });
});

/** The path to each value within another. */
const pathsOf = (value: unknown, path: string[] = []): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, each]) => [[...path, name], ...pathsOf(each, [...path, name])])
    : [];
