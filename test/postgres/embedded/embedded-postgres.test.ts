import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../../src/core/log.ts';
import { connect, type Sql } from '../../../src/postgres/connect.ts';
import { makePrivateFolder } from '../../../src/postgres/embedded/data-dir.ts';
import { type EmbeddedPostgresInput, startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded-postgres.ts';
import { findPostgresUser, isSuperuser, SHARED_FOLDER } from '../../../src/postgres/embedded/postgres-user.ts';
import { temporaryPath } from '../../support/server.ts';

// A killed process loses nothing that the kernel has; only a power cut would make a difference.
const FAST = { fsync: 'off' };
const FIXTURE = fileURLToPath(new URL('./embedded-postgres-fixture.ts', import.meta.url));

describe('the embedded PostgreSQL', function () {
  this.timeout(300_000);
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = temporaryPath();
    makePrivateFolder(folder);
  });

  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child, 'SIGKILL');
    // A start and a stop end the server that a killed process may have left.
    if (existsSync(join(folder, 'postgres', 'postmaster.pid'))) await withServer(folder, async () => undefined);
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (data_dir: string, options = {}) => startFixture(children, data_dir, options);

  it('keeps its data from one start to the next', async () => {
    await withServer(folder, (sql) => sql`create table t as select 42 as n`);
    await withServer(folder, async (sql) => assert.deepEqual([...(await sql`select n from t`)], [{ n: 42 }]));
  });

  it('is PostgreSQL 18 in UTF-8 with checksums, listens on loopback only and requires a password', async () => {
    await withServer(folder, async (sql, url) => {
      const [row] = await sql`
        select current_setting('server_version_num')::int / 10000 as major,
               current_setting('server_encoding') as encoding,
               current_setting('data_checksums') as checksums,
               current_setting('listen_addresses') as addresses,
               current_setting('unix_socket_directories') as sockets,
               upper('äöß') as upper,
               current_database() as database`;
      assert.deepEqual(
        { ...row },
        {
          major: 18,
          encoding: 'UTF8',
          checksums: 'on',
          addresses: '127.0.0.1',
          sockets: '',
          upper: 'ÄÖß',
          database: 'onevault',
        },
      );
      const stranger = connect(Object.assign(new URL(url), { password: 'wrong' }).href, {
        max_connections: 1,
      });
      await assert.rejects(async () => stranger`select 1`, { code: '28P01' });
      await stranger.end();
      assert.equal(statSync(join(folder, 'postgres.password')).mode & 0o077, 0);
    });
  });

  it('refuses a second process on the same data directory', async () => {
    const first = await start(folder);
    assert.ok(first.url);
    const second = await start(folder);
    assert.match(second.error ?? '', new RegExp(`${folder} is in use by process ${first.child.pid}`));
    await assert.rejects(startEmbeddedPostgres({ data_dir: folder, log: silentLog }), /is in use by process/);
    first.child.stdin?.end();
    await ended(first.child);
    assert.equal(existsSync(join(folder, 'postgres', 'postmaster.pid')), false, 'stopped in order');
  });

  it('recovers committed data after its process is killed, and stops the server that was left running', async () => {
    const { child, url } = await start(folder);
    const sql = connect(url ?? '', { max_connections: 1 });
    await sql`create table t as select generate_series(1, 1000) as n`;
    await sql.end();
    const orphan = postmasterPid(folder);
    await kill(child, 'SIGKILL');
    assert.ok(isRunning(orphan), 'the server outlives its process');
    await withServer(folder, async (again) => {
      assert.equal((await again`select count(*) as n from t`)[0]?.n, 1000);
      assert.notEqual(postmasterPid(folder), orphan);
      assert.equal(isRunning(orphan), false);
    });
  });

  it('recovers committed data after the server is killed together with its process', async () => {
    const { child, url } = await start(folder);
    const sql = connect(url ?? '', { max_connections: 2 });
    await sql`create table t as select generate_series(1, 1000) as n`;
    const busy = sql`select pg_sleep(30)`.catch(() => null);
    await sleep(50);
    process.kill(postmasterPid(folder), 'SIGKILL');
    await kill(child, 'SIGKILL');
    await sql.end({ timeout: 0 });
    await busy;
    await withServer(folder, async (again) => {
      assert.equal((await again`select count(*) as n from t`)[0]?.n, 1000);
    });
  });

  it('reports the end of the server when it ends by itself, and starts again on the same port', async () => {
    const { promise: died, resolve } = Promise.withResolvers<string>();
    const first = await startEmbeddedPostgres({ data_dir: folder, log: silentLog, on_exit: resolve });
    process.kill(postmasterPid(folder), 'SIGKILL');
    assert.equal(typeof (await died), 'string');
    await first.stop();
    const second = await startEmbeddedPostgres({ data_dir: folder, log: silentLog, port: first.port });
    assert.equal(second.url, first.url);
    await Promise.all([second.stop(), second.stop()]);
  });

  it('does not call on_exit after stop', async () => {
    let calls = 0;
    await withServer(folder, async () => undefined, { on_exit: () => (calls += 1) });
    await sleep(20);
    assert.equal(calls, 0);
  });

  it('creates the database again after a start that was interrupted while creating it', async () => {
    const { child } = await start(folder, { wait: false });
    const part = () => readdirSync(folder).find((name) => /^postgres\.part-\w+$/.test(name));
    while (!existsSync(join(folder, part() ?? 'none', 'PG_VERSION'))) await sleep(2);
    await kill(child, 'SIGKILL');
    assert.equal(existsSync(join(folder, 'postgres')), false);
    await withServer(folder, (sql) => sql`select 1`);
    await withServer(folder, (sql) => sql`select 1`);
    assert.equal(part(), undefined, 'nothing half-made is left');
  });

  it('ignores a stale postmaster.pid whose process id now belongs to another program', async () => {
    await withServer(folder, (sql) => sql`select 1`);
    const cluster = realpathSync(join(folder, 'postgres'));
    const { uid, gid } = statSync(cluster);
    const identity = isSuperuser() ? { uid, gid } : {};
    const stranger = spawn('sleep', ['60'], { ...identity, cwd: '/', stdio: 'ignore' });
    children.push(stranger);
    await once(stranger, 'spawn');
    writeFileSync(join(cluster, 'postmaster.pid'), `${stranger.pid}\n${cluster}\n1\n5432\n\n127.0.0.1\n\nready\n`);
    await withServer(folder, (sql) => sql`select 1`);
    assert.equal(stranger.exitCode ?? stranger.signalCode, null, 'the stranger was left alone');
  });

  it('runs in a folder with spaces, quotes and non-ASCII letters, at the end of a long path', async () => {
    const path = join(folder, `it's a "dätä" 目录 $HOME`, 'x'.repeat(200), 'y'.repeat(200));
    makePrivateFolder(path);
    await withServer(path, async (sql) => {
      const [row] = await sql`show data_directory`;
      assert.equal(row?.data_directory, realpathSync(join(path, 'postgres')));
    });
  });

  it('names a port that is in use', async () => {
    const blocker = createServer();
    blocker.listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    await assert.rejects(
      startEmbeddedPostgres({ data_dir: folder, log: silentLog, port }),
      new RegExp(`Port ${port} on 127.0.0.1 is in use`),
    );
    blocker.close();
  });

  it('refuses a database of another version', async () => {
    await withServer(folder, (sql) => sql`select 1`);
    writeFileSync(join(folder, 'postgres', 'PG_VERSION'), '17\n');
    await assert.rejects(startEmbeddedPostgres({ data_dir: folder, log: silentLog }), /is of PostgreSQL 17/);
  });

  it('reports a missing password file', async () => {
    await withServer(folder, (sql) => sql`select 1`);
    rmSync(join(folder, 'postgres.password'));
    await assert.rejects(startEmbeddedPostgres({ data_dir: folder, log: silentLog }), /password cannot be read/);
  });

  it('gives PostgreSQL none of our environment (read from /proc, Linux only)', async function () {
    if (!existsSync('/proc/self/environ')) this.skip();
    await withServer(folder, async () => {
      const environment = readFileSync(`/proc/${postmasterPid(folder)}/environ`, 'utf8');
      assert.deepEqual(environment.split('\0').filter(Boolean).sort(), ['LC_ALL=C', 'TZ=UTC']);
    });
  });

  describe('run by root (skipped for other users)', () => {
    before(function () {
      if (!isSuperuser()) this.skip();
    });

    it('runs as an unprivileged user', async () => {
      await withServer(folder, async () => {
        assert.equal(statSync(join(folder, 'postgres')).uid, findPostgresUser()?.uid);
        assert.equal(lstatSync(join(folder, 'postgres')).isDirectory(), true);
      });
    });

    it('keeps the database below /var/lib/onevault when the data directory lies below a closed folder', async () => {
      const closed = mkdtempSync(join(homedir(), 'onevault-test-'));
      const data_dir = join(closed, '.onevault');
      makePrivateFolder(data_dir);
      let home: string | undefined;
      try {
        await withServer(data_dir, (sql) => sql`create table t as select 42 as n`);
        home = dirname(realpathSync(join(data_dir, 'postgres')));
        assert.equal(dirname(home), SHARED_FOLDER);
        assert.equal(statSync(closed).mode & 0o777, 0o700);
        const moved = join(closed, 'moved');
        renameSync(data_dir, moved);
        await withServer(moved, async (sql) => assert.equal((await sql`select n from t`)[0]?.n, 42));
        rmSync(home, { recursive: true });
        await assert.rejects(startEmbeddedPostgres({ data_dir: moved, log: silentLog }), /The database is missing/);
      } finally {
        rmSync(closed, { recursive: true, force: true });
        if (home !== undefined) rmSync(home, { recursive: true, force: true });
      }
    });

    it('keeps the old database when its data directory was removed and created again', async () => {
      const closed = mkdtempSync(join(homedir(), 'onevault-test-'));
      const data_dir = join(closed, '.onevault');
      let home: string | undefined;
      try {
        for (const _ of [1, 2]) {
          rmSync(data_dir, { recursive: true, force: true });
          makePrivateFolder(data_dir);
          await withServer(data_dir, (sql) => sql`create table t as select 42 as n`);
        }
        home = dirname(realpathSync(join(data_dir, 'postgres')));
        const kept = readdirSync(home).filter((name) => name.startsWith('postgres.left-'));
        assert.equal(kept.length, 1, 'the first database is kept, and the second began empty');
      } finally {
        rmSync(closed, { recursive: true, force: true });
        if (home !== undefined) rmSync(home, { recursive: true, force: true });
      }
    });

    it('uses a database that an ordinary user created, as that user', async () => {
      const user = ordinaryUser();
      chownSync(folder, user.uid, user.gid);
      const { child, url, error } = await start(folder, { user });
      assert.equal(error, undefined);
      const sql = connect(url ?? '', { max_connections: 1 });
      await sql`create table t as select 42 as n`;
      await sql.end();
      child.stdin?.end();
      await ended(child);
      assert.equal(statSync(join(folder, 'postgres')).uid, user.uid);
      await withServer(folder, async (again) => assert.equal((await again`select n from t`)[0]?.n, 42));
    });

    it('refuses an ordinary user the database that root created', async () => {
      await withServer(folder, (sql) => sql`select 1`);
      const user = ordinaryUser();
      const open = temporaryPath();
      mkdirSync(open);
      chmodSync(open, 0o777);
      renameSync(join(folder, 'postgres'), join(open, 'postgres'));
      const { child, error } = await start(open, { user: { uid: 12_345, gid: user.gid } });
      await ended(child);
      rmSync(open, { recursive: true });
      assert.match(error ?? '', /belongs to the user with id \d+, but this process runs as 12345/);
    });
  });
});

/** Runs `work` on a server of the data directory and stops the server. */
const withServer = async (
  data_dir: string,
  work: (sql: Sql, url: string) => PromiseLike<unknown>,
  options: Partial<EmbeddedPostgresInput> = {},
): Promise<void> => {
  const server = await startEmbeddedPostgres({ data_dir, log: silentLog, settings: FAST, ...options });
  const sql = connect(server.url, { max_connections: 2 });
  try {
    await work(sql, server.url);
  } finally {
    await sql.end({ timeout: 1 });
    await server.stop();
  }
};

interface FixtureOptions {
  user?: { uid: number; gid: number };
  wait?: boolean;
}

const startFixture = async (children: ChildProcess[], data_dir: string, { user, wait = true }: FixtureOptions) => {
  const child = spawn(process.execPath, [FIXTURE, data_dir], {
    ...user,
    env: {},
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = wait ? await once(child.stdout, 'data') : ['{}'];
  return { child, ...(JSON.parse(String(line)) as { url?: string; error?: string }) };
};

const kill = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  child.kill(signal);
  await ended(child);
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
};

const postmasterPid = (data_dir: string): number =>
  Number(readFileSync(join(data_dir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

/** True if the process runs; false if it has ended, even before its parent has read its status. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

const ordinaryUser = (): { uid: number; gid: number } => {
  const row = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('nobody:'));
  const [, , uid, gid] = row?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
};
