import { instantOf } from '../core/clock.ts';
import { invalidParameter } from './faults.ts';
import { instantParameter } from './formats.ts';
import type { Query } from './query.ts';
import type { QueryParameter } from './route.ts';

/** Start (inclusive) and end (exclusive): ISO 8601, UTC. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

const HOUR_MS = 3_600_000;
const MAX_DAYS = 31;

/** Parameters of unbounded lists: each response covers one period. */
export const PERIOD_QUERY = {
  from: instantParameter('From when on, inclusive; an hour before `to` unless given.'),
  to: instantParameter(`Until when, exclusive; now unless given. At most ${MAX_DAYS} days after \`from\`.`),
} as const satisfies Readonly<Record<string, QueryParameter>>;

/** @throws OneVaultError invalid_request if the period ends before its start or is too long */
export const periodOf = ({ from, to }: Query, now_ms: number): Period => {
  // Rows with a stamp within this millisecond are included.
  const end = typeof to === 'string' ? to : instantOf(now_ms + 1);
  const begin = typeof from === 'string' ? from : instantOf(Date.parse(end) - HOUR_MS);
  const length_ms = Date.parse(end) - Date.parse(begin);
  if (length_ms < 0) throw invalidParameter('from', 'too_large', `from, ${begin}, is after to, ${end}.`);
  if (length_ms > MAX_DAYS * 24 * HOUR_MS) {
    const rule = `from and to are at most ${MAX_DAYS} days apart: ask for one part after the other.`;
    throw invalidParameter(typeof from === 'string' ? 'from' : 'to', 'too_long', rule);
  }
  return { from: begin, to: end };
};
