import { type Clock, instantOf } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import { closingInstant } from '../modules/billing/billing-period.ts';

export interface InstantOptions {
  readonly at?: string;
  readonly period?: string;
  readonly allowFuture?: boolean;
}

export const INVOICES = 'invoices';

/**
 * The logical instant (ISO 8601, UTC) at which a job runs by hand: invoices are for a month, other jobs for an instant.
 * @throws InputError for an option that the job does not take, or a month that it cannot bill
 */
export const jobInstant = (clock: Clock, name: string, { at, period, allowFuture }: InstantOptions): string => {
  if (name === INVOICES) {
    if (at !== undefined) throw new InputError('Invoices take a month. Replace --at by --period, as --period 2026-10.');
    return closingInstant(clock, { period, allow_future: allowFuture === true });
  }
  if (period !== undefined) throw new InputError(`The job ${name} takes no --period. Use --at with an instant.`);
  return at ?? instantOf(clock.now());
};
