import { createVerifier, type Options, type Report, readLines } from '../../verifier/onevault-verify.mjs';
import { type BundleLine, entityLine } from '../audit/bundle-lines.ts';
import { PROJECT } from '../server/paths.ts';
import { loadRegistry } from '../vault/registry.ts';

/**
 * Verifies a bundle file, and that it describes its tables like this version: no hash covers the names of columns, and a
 * column that is marked as withheld would not be checked.
 * @param onLine gets each line as the verifier parsed it
 * @throws the error of reading the file
 */
export const verifyBundleFile = async (
  path: string,
  options: Pick<Options, 'keys' | 'against'>,
  onLine: (line: BundleLine) => void = () => {},
): Promise<Report> => {
  const verifier = createVerifier(options);
  const described = describedTables();
  for await (const lines of readLines(path)) {
    for (const text of lines) {
      // Parsed once, so that verifier and caller have the same value.
      const line = parsed(text);
      verifier.take(line ?? text);
      if (line === null) continue;
      onLine(line);
      if (line.kind !== 'entity' || described.has(JSON.stringify(line))) continue;
      const message = `the table ${String(line.table)} is described in another way than this version does`;
      verifier.take({ kind: 'fault', fault: 'malformed', message });
    }
  }
  return verifier.finish();
};

/** Null if it is not a JSON object. */
const parsed = (text: string): BundleLine | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? (value as BundleLine | null) : null;
  } catch {
    return null;
  }
};

/** This version's lines that describe its tables, with withheld columns. */
const describedTables = (): ReadonlySet<string> => {
  const registry = loadRegistry(PROJECT.entities);
  const lines = [...registry.entities.values()].map((entity) => entityLine(registry, entity, true));
  return new Set(lines.map((line) => JSON.stringify(line)));
};
