import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { KNOWN_LOCK } from './known-lock.ts';

// Stamps have milliseconds, so the next one differs.
const NEXT_STAMP_MS = 2;

/**
 * The newest instant for which every result is final: no current transaction stamped it or an earlier one, and no new
 * one will stamp it. Waits for the end of writers' transactions, which take milliseconds. Valid while the writers'
 * clocks agree with `clock`.
 */
export const sealKnown = async (sql: Sql, clock: Clock): Promise<string> =>
  (await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${KNOWN_LOCK.toString()}::bigint)`;
    const locked_ms = clock.now();
    await sleep(NEXT_STAMP_MS);
    return instantOf(clock.now() > locked_ms ? locked_ms : locked_ms - 1);
  })) as string;
