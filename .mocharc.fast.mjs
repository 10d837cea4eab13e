import { fileURLToPath } from 'node:url';
import { findFastFiles, readModules } from './test/support/fast-files.ts';

const modules = readModules(fileURLToPath(new URL('.', import.meta.url)));
const spec = findFastFiles(modules);
const all = [...modules.keys()].filter((path) => path.endsWith('.test.ts')).length;
process.stderr.write(`${spec.length} of ${all} test files reach no database and no process\n`);

/** @type {object} The options of `npm run test:fast`. */
const options = { spec, timeout: 20_000, slow: 500, reporter: 'dot' };

export { options as 'module.exports' };
