import type { Clock } from '../../core/clock.ts';
import { InputError } from '../../core/input-error.ts';
import type { Sql } from '../../postgres/connect.ts';
import { chooseKnown } from '../../vault/known.ts';
import { isVaultInstant } from '../../vault/row-schema.ts';
import { RENDERERS, type ReportFormat } from './render/renderers.ts';

export interface ReportInput {
  readonly name: string;
  /** Calls of [from, to), ISO 8601, UTC. */
  readonly from: string;
  readonly to: string;
  /** The report covers the rows loaded by this instant; without it, all rows that are final now. */
  readonly known?: string | undefined;
  /** json, csv or html. */
  readonly format: string;
  /** A customer's slug; without it, all customers. */
  readonly customer?: string | undefined;
  readonly requested_by: string;
}

/** Parameters of a report: the same ones give the same document. */
export interface ReportParameters {
  readonly from: string;
  readonly to: string;
  readonly known: string;
  readonly customer: string | null;
  readonly format: ReportFormat;
  readonly requested_by: string;
}

const MAX_REQUESTER_LENGTH = 255;

/** Checks a request for a report. @throws InputError with the fault and its cure */
export const checkReportInput = async (sql: Sql, clock: Clock, input: ReportInput): Promise<ReportParameters> => {
  const { from, to, customer = null, requested_by } = input;
  const format = checkFormat(input.format);
  for (const [option, instant] of Object.entries({ from, to })) {
    if (!isVaultInstant(instant)) {
      throw new InputError(`--${option} ${instant}: not an instant; write it as 2026-11-01T00:00:00Z`);
    }
  }
  if (Date.parse(from) >= Date.parse(to)) throw new InputError(`--from ${from} must be before --to ${to}`);
  const is_sound = requested_by.isWellFormed() && !requested_by.includes('\0');
  if (requested_by.trim() === '' || requested_by.length > MAX_REQUESTER_LENGTH || !is_sound) {
    throw new InputError(`the requester must be text of 1 to ${MAX_REQUESTER_LENGTH} characters`);
  }
  if (customer !== null) await checkCustomer(sql, customer);
  const known = await chooseKnown(sql, clock, input.known);
  return { from, to, known, customer, format, requested_by };
};

const checkFormat = (format: string): ReportFormat => {
  if (Object.hasOwn(RENDERERS, format)) return format as ReportFormat;
  throw new InputError(`--format ${format}: there are ${Object.keys(RENDERERS).join(', ')}`);
};

const checkCustomer = async (sql: Sql, customer: string): Promise<void> => {
  // PostgreSQL takes no NUL, and no slug has one.
  const [row] = customer.includes('\0')
    ? []
    : await sql`select from gateway.customer_h h where h.customer_bk = ${customer} and h.customer_bk <> 'unknown'`;
  if (row === undefined) throw new InputError(`--customer ${customer}: there is no such customer`);
};
