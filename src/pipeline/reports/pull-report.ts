import type { Clock } from '../../core/clock.ts';
import type { Sql } from '../../core/postgres.ts';
import type { Registry } from '../../vault/registry.ts';

export interface ReportDeps {
  readonly sql: Sql;
  readonly registry: Registry;
  readonly clock: Clock;
  /** The folder that holds one folder a report. */
  readonly reports_dir: string;
  /** Version of the product, for the evidence block. */
  readonly code_version: string;
}

export interface ReportInput {
  readonly name: string;
  /** Calls of [from, to), ISO 8601, UTC. */
  readonly from: string;
  readonly to: string;
  /** What was loaded at this instant is covered; without it, everything that is final now. */
  readonly known?: string | undefined;
  /** json, csv or html. */
  readonly format: string;
  /** A customer's slug; without it, all customers. */
  readonly customer?: string | undefined;
  readonly requested_by: string;
}

export interface PulledReport {
  readonly report_id: string;
  readonly known: string;
  readonly row_count: number;
  /** Hex. */
  readonly document_sha256: string;
  readonly sql_sha256: string;
}

/** Where a document goes, piece by piece; the next piece waits for it. */
export type WriteText = (text: string) => Promise<void> | void;

export const pullReport = async (
  _deps: ReportDeps,
  _input: ReportInput,
  _write: WriteText,
): Promise<PulledReport> => {
  throw new Error('unfinished');
};
