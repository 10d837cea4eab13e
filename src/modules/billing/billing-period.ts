import { type Clock, instantOf } from '../../core/clock.ts';
import { InputError } from '../../core/input-error.ts';

// The partitions of calls begin then, so no earlier month has calls.
const FIRST_PERIOD = '2000-01';
const PERIOD = /^\d{4}-(0[1-9]|1[0-2])$/;

/**
 * A billing period: a month (UTC) written as `2026-10`.
 * @throws InputError when `text` is anything else, or a month before 2000
 */
export const parsePeriod = (text: string): string => {
  if (!PERIOD.test(text)) {
    throw new InputError(`The period ${JSON.stringify(text)} is not a month. Write it as 2026-10.`);
  }
  if (text < FIRST_PERIOD) {
    throw new InputError(`The period ${text} is too early. The first month that can have calls is ${FIRST_PERIOD}.`);
  }
  return text;
};

/** The first day of a period, as `billing_period` stands in the vault: `2026-10-01`. */
export const firstDayOf = (period: string): string => `${period}-01`;

export interface PeriodChoice {
  /** A month as `2026-10`; by default the last ended month. */
  readonly period?: string | undefined;
  /** Closes the month that is under way. */
  readonly allow_future: boolean;
}

/**
 * The logical instant of a run that bills a period, ISO 8601, UTC: the present if the period is the last ended
 * month, so that a corrected tenant or entity counts; the last instant of that time for an earlier period; and the
 * period's end if it is closed early.
 * @throws InputError for a bad period, one that has not begun, or one under way unless that is allowed
 */
export const closingInstant = (clock: Clock, { period, allow_future }: PeriodChoice): string => {
  const now = instantOf(clock.now());
  if (period === undefined) return now;
  const closed = parsePeriod(period);
  const current = now.slice(0, FIRST_PERIOD.length);
  if (closed > current) {
    throw new InputError(`The period ${closed} has not begun. Choose ${current} or an earlier month.`);
  }
  if (closed < current) return instantOf(Math.min(clock.now(), startOf(closed, 2) - 1));
  if (allow_future) return instantOf(startOf(closed, 1));
  throw new InputError(
    `The period ${closed} has not ended. Wait for its end, or close it early with --allow-future: ` +
      'what is used after that goes to the next invoice.',
  );
};

/** The start of the month `months` after a period, in milliseconds since the Unix epoch. */
const startOf = (period: string, months: number): number => {
  const [year, month] = period.split('-').map(Number) as [number, number];
  return Date.UTC(year, month - 1 + months, 1);
};
