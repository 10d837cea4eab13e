import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acceptCosignature } from '../../src/audit/accept-cosignature.ts';
import { type Checkpoint, latestCheckpoint, listKeys } from '../../src/audit/checkpoints.ts';
import { cosignedMessage } from '../../src/audit/cosignature.ts';
import {
  COSIGNATURE_V1,
  formatNote,
  formatSignature,
  formatVerifierKey,
  keyIdOf,
  parseNote,
} from '../../src/audit/note.ts';
import { consistencyProof, proofText } from '../../src/audit/proofs.ts';
import { sealTree } from '../../src/audit/seal-tree.ts';
import { rotateSigningKey } from '../../src/audit/signing-keys.ts';
import { fixedClock } from '../../src/core/clock.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { createTestDatabase } from '../support/database.ts';
import { hashLeaf } from '../support/merkle-proofs.ts';
import { testKeyring } from './audit-fixture.ts';

const MODULE = fileURLToPath(new URL('../independent', import.meta.url));

// The version in go.mod; older ones cannot parse that file.
const MIN_GO_MINOR = 25;
const [, minor] = /^go1\.(\d+)/.exec(spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout) ?? [];
const is_skipped = Number(minor ?? 0) < MIN_GO_MINOR && process.env.CI === undefined;

// Sizes around powers of two and of 256, where trees change their shape.
const STEPS = [1, 2, 1, 60, 130, 61, 1, 300, 511, 700];

describe('the published log', () => {
  it(`is verified by independent programs: checkpoints, proofs and witnesses${is_skipped ? ' (skipped: Go 1.25 is missing)' : ''}`, async function () {
    if (is_skipped) return this.skip();
    this.timeout(300_000);
    const { sql, drop } = await createTestDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'independent-'));
    try {
      const program = join(folder, 'independent');
      execFileSync('go', ['build', '-o', program, '.'], {
        cwd: MODULE,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const written = await publish(sql, folder);
      const verify = () => spawnSync(program, [folder], { encoding: 'utf8' });
      const sound = verify();
      assert.equal(sound.status, 0, sound.stderr);
      assert.deepEqual(JSON.parse(sound.stdout), written);
      assert(written.inclusion > 100 && written.consistency > 40 && written.cosignatures === 1);
      // The programs must refuse every file with one changed character.
      for (const kind of ['checkpoints', 'inclusion', 'consistency']) {
        for (const name of readdirSync(join(folder, kind)).slice(-3)) {
          const path = join(folder, kind, name);
          const text = readFileSync(path, 'utf8');
          writeFileSync(
            path,
            text.replace(/[A-Za-z0-9](?=[^\n]{30}=)/, (letter) => (letter === 'A' ? 'B' : 'A')),
          );
          assert.equal(verify().status, 1, `${kind}/${name}`);
          writeFileSync(path, text);
        }
      }
      assert.equal(verify().status, 0);
    } finally {
      rmSync(folder, { recursive: true });
      await drop();
    }
  });
});

/** Grows a log and publishes its files. @returns the number of files by kind */
const publish = async (sql: Sql, folder: string) => {
  for (const name of ['checkpoints', 'inclusion', 'consistency']) mkdirSync(join(folder, name));
  const clock = fixedClock('2026-11-21T10:00:00.000Z');
  const keyring = testKeyring(sql, clock);
  const entries: Buffer[] = [];
  const checkpoints: Checkpoint[] = [];
  // The leaves of the seeds are removed, because this test has no rows for them.
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`delete from audit.leaf_queue`;
  });
  for (const [step, count] of STEPS.entries()) {
    const fresh = Array.from({ length: count }, (_, place) => Buffer.from(`entry ${entries.length + place}\n`));
    await sql`
      insert into audit.leaf_batch (change_id, leaf_count, leaf_hashes, queued_at)
      values (${-1 - step}, ${count}, ${Buffer.concat(fresh.map(hashLeaf))}, now())`;
    entries.push(...fresh);
    clock.advance(10_000);
    await sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    checkpoints.push((await latestCheckpoint(sql))!);
    if (step === 4) {
      await rotateSigningKey(sql, { keyring, clock });
      checkpoints.push((await latestCheckpoint(sql))!);
    }
  }
  writeFileSync(join(folder, 'witnesses.txt'), await cosign(sql, clock.now()));
  checkpoints[checkpoints.length - 1] = (await latestCheckpoint(sql))!;
  const keys = await listKeys(sql);
  writeFileSync(join(folder, 'keys.txt'), keys.map(({ verifier_key }) => `${verifier_key}\n`).join(''));
  const written = { checkpoints: checkpoints.length, cosignatures: 1, inclusion: 0, consistency: 0 };
  for (const [place, checkpoint] of checkpoints.entries()) {
    writeFileSync(join(folder, 'checkpoints', `${place}.txt`), checkpoint.note);
    for (let index = 0; index < checkpoint.tree_size; index += 1 + Math.floor(checkpoint.tree_size / 20)) {
      const text = await proofText(sql, { index, checkpoint, extra: entries[index]! });
      writeFileSync(join(folder, 'inclusion', `${place}-${index}.tlog-proof`), text);
      written.inclusion += 1;
    }
    for (const [earlier, { tree_size }] of checkpoints.slice(0, place).entries()) {
      const hashes = await consistencyProof(sql, tree_size, checkpoint.tree_size);
      const lines = [`${tree_size} ${checkpoint.tree_size}`, ...hashes.map((hash) => hash.toString('base64'))];
      writeFileSync(join(folder, 'consistency', `${earlier}-${place}.txt`), `${lines.join('\n')}\n`);
      written.consistency += 1;
    }
  }
  return written;
};

/** Adds a witness's cosignature to the newest checkpoint. @returns its verifier key */
const cosign = async (sql: Sql, now_ms: number): Promise<string> => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const public_key = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const name = 'witness.example/w1';
  const witness = {
    name,
    public_key,
    kind: COSIGNATURE_V1,
    key_id: keyIdOf(name, COSIGNATURE_V1, public_key),
  };
  const { text } = parseNote((await latestCheckpoint(sql))!.note);
  const time_s = Math.floor(now_ms / 1_000);
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time_s));
  const signature = Buffer.concat([stamp, sign(null, cosignedMessage(text, time_s), privateKey)]);
  const note = formatNote(text, [formatSignature(name, witness.key_id, signature)]);
  await acceptCosignature(sql, { note, witnesses: [witness], now_ms });
  return `${formatVerifierKey(witness)}\n`;
};
