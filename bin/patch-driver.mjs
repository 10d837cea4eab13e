// Patches the PostgreSQL driver of a checkout, after npm has changed node_modules. A package holds the patched driver.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @returns {string | null} */
const patcher = () => {
  try {
    return join(dirname(fileURLToPath(import.meta.resolve('patch-package/package.json'))), 'index.js');
  } catch {
    return null;
  }
};

const path = patcher();
if (path === null) {
  console.error(
    'The PostgreSQL driver cannot be patched without the development dependencies. Run "npm ci --include=dev"; on a server, install the package that "npm pack" makes.',
  );
  process.exitCode = 1;
} else {
  execFileSync(process.execPath, [path, '--error-on-fail'], { stdio: 'inherit' });
}
