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
 * The logical instant (ISO 8601, UTC) of a job that an operator runs: invoices have a month, other jobs an instant.
 * @throws InputError for an option of another job, or a month that cannot be billed
 */
export const jobInstant = (clock: Clock, name: string, { at, period, allowFuture }: InstantOptions): string => {
  if (name === INVOICES) {
    if (at !== undefined) throw new InputError('Invoices take a month. Replace --at by --period, as --period 2026-10.');
    return closingInstant(clock, { period, allow_future: allowFuture === true });
  }
  if (period !== undefined) throw new InputError(`The job ${name} takes no --period. Use --at with an instant.`);
  return at ?? instantOf(clock.now());
};
