import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { silentLog } from '../../../src/core/log.ts';
import { findPostgresBinaries, reachableBinaries } from '../../../src/postgres/embedded/postgres-binaries.ts';
import { findPostgresUser, isSuperuser } from '../../../src/postgres/embedded/postgres-user.ts';
import { temporaryPath } from '../../support/server.ts';

describe("the embedded PostgreSQL's programs", function () {
  this.timeout(300_000);
  const user = findPostgresUser();
  let folder: string;
  let package_folder: string;
  let shared_folder: string;

  beforeEach(async () => {
    const installed = await findPostgresBinaries(null, silentLog);
    folder = temporaryPath();
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    package_folder = join(folder, 'package');
    shared_folder = join(folder, 'shared');
    cpSync(dirname(dirname(dirname(installed.postgres))), package_folder, {
      recursive: true,
      verbatimSymlinks: true,
    });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const find = () => reachableBinaries({ package_folder, shared_folder, user, log: silentLog });

  it("run in the package's folder if their user can reach it", async () => {
    const found = await find();
    assert.equal(found.major, '18');
    assert.equal(dirname(dirname(dirname(found.postgres))), package_folder);
    assert.equal(existsSync(shared_folder), false);
  });

  it('run although the install script that links their libraries was blocked', async () => {
    const links = libraryLinks(package_folder);
    assert.ok(links.length > 0);
    for (const link of links) rmSync(link);
    await find();
    for (const link of links) assert.ok(lstatSync(link).isSymbolicLink() && existsSync(link));
  });

  it('are copied once to a folder that their user can reach, for root below a closed folder (run by root only)', async function () {
    if (!isSuperuser()) this.skip();
    for (const link of libraryLinks(package_folder)) rmSync(link);
    chmodSync(package_folder, 0o700);
    const umask = process.umask(0o077);
    try {
      const found = await find();
      assert.equal(dirname(dirname(dirname(dirname(found.postgres)))), shared_folder);
      assert.equal(statSync(package_folder).mode & 0o777, 0o700);
      const made_ms = statSync(found.postgres).ctimeMs;
      assert.deepEqual(await find(), found);
      assert.equal(statSync(found.postgres).ctimeMs, made_ms, 'not copied again');
    } finally {
      process.umask(umask);
    }
  });

  it('are refused with an alternative when they do not run on this machine', async () => {
    writeFileSync(join(package_folder, 'native/bin/postgres'), '#!/no/such/loader\n');
    await assert.rejects(find(), /another C library.*DATABASE_URL/);
    writeFileSync(
      join(package_folder, 'native/bin/postgres'),
      '#!/bin/sh\necho "libc.so.6: version GLIBC_9" >&2; exit 1\n',
    );
    await assert.rejects(find(), /GLIBC_9.*DATABASE_URL/);
  });
});

const libraryLinks = (package_folder: string): string[] => {
  const list = readFileSync(join(package_folder, 'native/pg-symlinks.json'), 'utf8');
  return (JSON.parse(list) as { target: string }[]).map(({ target }) => join(package_folder, target));
};
