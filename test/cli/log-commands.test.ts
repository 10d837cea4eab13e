import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { latestCheckpoint, listKeys } from '../../src/audit/checkpoints.ts';
import { lockLog } from '../../src/audit/current-log.ts';
import { newLogCommand, rotateSigningKeyCommand } from '../../src/cli/log-commands.ts';
import { silentLog } from '../../src/core/log.ts';
import { readConfig } from '../../src/server/config.ts';
import { openSealing } from '../../src/server/open-sealing.ts';
import { PROJECT } from '../../src/server/paths.ts';
import { loadRegistry } from '../../src/vault/registry.ts';
import { createTestDatabase } from '../support/database.ts';

describe("the audit log's commands beside a process that seals", () => {
  it('rotate the key, and start another log after a restore, which ends a stop', async function () {
    this.timeout(300_000);
    const { sql, url, drop } = await createTestDatabase();
    const data_dir = mkdtempSync(join(tmpdir(), 'onevault-log-commands-'));
    const env = {
      DATABASE_URL: url,
      ONEVAULT_DATA_DIR: data_dir,
      ONEVAULT_MASTER_KEY: randomBytes(32).toString('hex'),
    };
    const config = readConfig({ ...env, ONEVAULT_LOG_LEVEL: 'silent' }, '/');
    const registry = loadRegistry(PROJECT.entities);
    const stopped_path = join(data_dir, 'sealing-stopped.txt');
    const sealing = await openSealing({ config, database_url: url, registry, log: silentLog });
    const printed: string[] = [];
    const print = (line: string): void => void printed.push(line);
    const until = async (is_so: () => Promise<boolean> | boolean, what: string): Promise<void> => {
      for (let waited_ms = 0; !(await is_so()); waited_ms += 100) {
        assert(waited_ms < 50_000, what);
        await sleep(100);
      }
    };
    try {
      await until(async () => (await latestCheckpoint(sql)) !== null, 'no checkpoint was made');
      const [first] = await listKeys(sql);
      await rotateSigningKeyCommand(config, print);
      const [retired, fresh] = await listKeys(sql);
      assert.equal(retired!.key_id, first!.key_id);
      assert(retired!.retired_at !== null && fresh!.retired_at === null);
      assert.equal((await latestCheckpoint(sql))!.key_id, fresh!.key_id);
      // A restore: the newest part of the tree and its checkpoints are gone.
      await sql.begin(async (tx) => {
        // Not in the middle of a round, which would go on signing what it has read.
        await lockLog(tx);
        await tx`set local session_replication_role = replica`;
        await tx`delete from audit.sequenced where first_index > 0`;
        await tx`delete from audit.node`;
        await tx`delete from audit.checkpoint`;
      });
      await until(() => existsSync(stopped_path), 'sealing went on');
      assert.equal(await latestCheckpoint(sql), null);
      await newLogCommand(config, 'a disk failed', print);
      await until(() => !existsSync(stopped_path), 'sealing did not go on');
      const begun = (await latestCheckpoint(sql))!;
      assert.notEqual(begun.origin, first!.name);
      const folders = readdirSync(data_dir).filter((name) => name.startsWith('checkpoints'));
      assert.equal(folders.length, 2, folders.join());
      assert.match(
        printed.join('\n'),
        new RegExp(`^the key ${fresh!.key_id} signs.*\\nthe log ${begun.origin} is begun\\n`),
      );
      const events = await sql<{ action: string; outcome: string; reason: string | null }[]>`
        select action, outcome, reason
        from audit.audit_event_s
        where action = any(array['key.rotate', 'log.begin'])
        order by applied_date`;
      assert.deepEqual(
        events.map((event) => ({ ...event })),
        [
          { action: 'key.rotate', outcome: 'succeeded', reason: null },
          { action: 'log.begin', outcome: 'succeeded', reason: 'a disk failed' },
        ],
      );
    } finally {
      await sealing.stop();
      rmSync(data_dir, { recursive: true });
      await drop();
    }
  });
});
