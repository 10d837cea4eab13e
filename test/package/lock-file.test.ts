import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { compare, minVersion, satisfies, subset } from 'semver';

interface Manifest {
  readonly engines: Readonly<Record<string, string>>;
  readonly bundleDependencies: readonly string[];
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

/** An entry of the lock file; its path is the key, as `node_modules/a/node_modules/b`. */
interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optional?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly libc?: string | readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'));
const manifest = read('package.json') as Manifest;
const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, Entry>> };
const entries = Object.entries(packages).filter(([path]) => path !== '');

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** The entry that Node finds for a package's dependency: its own, or that of the nearest folder above. */
const findEntry = (path: string, name: string): Entry | undefined => {
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('node_modules/')).replace(/\/$/, '')) {
    const found = packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`];
    if (found !== undefined || folder === '') return found;
  }
};

/** The dependencies that the lock file lacks, of every package and for every platform. */
const findMissing = (dependenciesOf: (entry: Entry) => Readonly<Record<string, string>>): string[] =>
  Object.entries(packages).flatMap(([path, entry]) =>
    Object.entries(dependenciesOf(entry)).flatMap(([name, range]) => {
      const found = findEntry(path, name);
      if (found?.version === undefined) return [`${path} needs ${name}, which has no entry`];
      const is_fitting = satisfies(found.version, range, { includePrerelease: true });
      return is_fitting ? [] : [`${path} needs ${name} ${range}, and the entry is ${found.version}`];
    }),
  );

const asList = (value: string | readonly string[] | undefined): readonly string[] =>
  typeof value === 'string' ? [value] : (value ?? []);

describe('the lock file', () => {
  it('contains every dependency of every package', () => {
    assert.ok(entries.length > 300, `${entries.length} entries were found`);
    assert.deepEqual(
      findMissing(({ dependencies = {}, devDependencies = {} }) => ({ ...dependencies, ...devDependencies })),
      [],
    );
  });

  it('contains every platform of every package with a variant for each, so that npm ci works on all', () => {
    const platform_packages = entries.filter(([, { os }]) => os !== undefined);
    for (const platform of ['linux', 'darwin', 'win32']) {
      const found = platform_packages.filter(([, { os }]) => asList(os).includes(platform));
      assert.ok(found.length >= 10, `${platform}: ${found.length}`);
    }
    assert.deepEqual(
      findMissing(({ optionalDependencies = {} }) => optionalDependencies),
      [],
    );
  });

  it('states the platform of each package for one platform, so that npm omits it on others', () => {
    const OF_ONE_PLATFORM = /(?:^|[-/])(?:darwin|linux|win|win32|windows|freebsd|android)-(?:x64|arm64|arm|ia32)\b/;
    const found = entries.filter(([path]) => OF_ONE_PLATFORM.test(nameOf(path)));
    assert.ok(found.length > 50, `${found.length} packages of one platform were found`);
    for (const [path, { os, cpu, libc, optional }] of found) {
      assert.equal(optional, true, path);
      assert.ok(asList(os).length > 0 && asList(cpu).length > 0, path);
      if (/-(?:musl|gnu)$/.test(path)) assert.ok(asList(libc).length > 0, path);
    }
  });

  it('marks the Node of Linux as built for glibc, so that npm puts no broken Node on PATH on musl', () => {
    for (const cpu of ['x64', 'arm64']) {
      assert.deepEqual(packages[`node_modules/node-linux-${cpu}`]?.libc, ['glibc'], `add "libc": ["glibc"] to ${cpu}`);
    }
  });

  it('names no registry, and has a hash of every package', () => {
    for (const [path, { version, integrity, resolved }] of entries) {
      assert.equal(resolved, undefined, path);
      assert.match(integrity ?? '', /^sha512-/, path);
      assert.ok(version, path);
    }
  });

  it('contains the PostgreSQL driver that is bundled with the package', () => {
    assert.deepEqual(manifest.bundleDependencies, ['postgres']);
    assert.deepEqual(
      entries.filter(([, { inBundle }]) => inBundle).map(([path]) => nameOf(path)),
      ['postgres'],
    );
  });
});

describe('the file package.json', () => {
  const ranges = entries
    .filter(([, { engines }]) => engines?.node !== undefined)
    .map(([path, { engines, optional }]) => ({ path, range: engines!.node!, is_optional: optional === true }));

  it('requires the oldest Node that every locked package supports', () => {
    const OLDEST_MAJOR = 20;
    const candidates = ranges
      .flatMap(({ range }) => range.split('||').map((part) => minVersion(part)))
      .filter((version) => version !== null && version.major >= OLDEST_MAJOR)
      .map(String)
      .toSorted(compare);
    // npm leaves out an optional package that a Node in between does not take, and warns of any other.
    const oldest = candidates.find((version) =>
      ranges.every(({ range, is_optional }) =>
        is_optional ? satisfies(version, range) : subset(`>=${version}`, range),
      ),
    );
    assert.equal(manifest.engines.node, `>=${oldest}`);
  });

  it('allows or forbids every install script, and no other', () => {
    const scripted = entries.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
    assert.deepEqual(Object.keys(manifest.allowScripts).toSorted(), [...new Set(scripted)].toSorted());
  });
});
