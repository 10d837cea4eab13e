import { hash } from 'node:crypto';
import type { Related } from '../declaration/resource.ts';
import type { RowVersion } from './stored.ts';

/** A strong ETag (RFC 9110, section 8.8.3): equal exactly if the rows in force and the relations are. */
export const etagOf = (versions: ReadonlyMap<string, Pick<RowVersion, 'hash_diff'>>, references: Related): string => {
  const rows = [...versions].map(([table, { hash_diff }]) => `${table} ${hash_diff}`).toSorted();
  const related = Object.entries(references).map(([name, key]) => JSON.stringify([name, key]));
  return `"${hash('sha256', [...rows, ...related].join('\n'))}"`;
};

/** True if a header of conditions (`If-Match`, `If-None-Match`) names an ETag. */
export const namesEtag = (header: string, etag: string): boolean =>
  header.trim() === '*' || header.split(',').some((each) => each.trim() === etag);
