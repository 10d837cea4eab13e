// Fills dist/ with what an installed package runs: the sources without their types, and the files that they read.
// Its folders lie to each other as in a checkout.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
const COMPILER = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
/** Folders with files that a running product reads. */
const DATA = ['src', 'vault', 'reports'];
// Compiled already, or read by people alone.
const NOT_COPIED = new Set(['.ts', '.md']);

rmSync(DIST, { recursive: true, force: true });
execFileSync(process.execPath, [COMPILER, '--project', join(ROOT, 'tsconfig.build.json')], { stdio: 'inherit' });
for (const folder of DATA) {
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || NOT_COPIED.has(extname(entry.name))) continue;
    const path = join(entry.parentPath, entry.name);
    cpSync(path, join(DIST, path.slice(ROOT.length)));
  }
}
const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
writeFileSync(
  join(DIST, 'package.json'),
  `${JSON.stringify({ name, version, type: 'module', private: true }, null, 2)}\n`,
);
