/** First part of every report: its source, its coverage, and what is missing. */
export interface Evidence {
  readonly report_id: string;
  readonly report: string;
  readonly title: string;
  readonly regulation: string;
  readonly articles: readonly string[];
  readonly purpose: string;
  readonly tenant: string;
  readonly customer: string;
  /** [from, to) */
  readonly period: { readonly from: string; readonly to: string };
  readonly known_at: string;
  readonly requested_by: string;
  readonly format: string;
  readonly generator: string;
  readonly code_version: string;
  readonly sql_sha256: string;
  readonly sources: readonly SourceCount[];
  readonly journal: readonly WriterCompleteness[];
  readonly audit_log: LogCoverage;
  readonly exceptions: readonly string[];
  readonly retention_class: string;
  /** Filled in by hand. */
  readonly reviewer: string;
  readonly reviewed_at: string;
  readonly sign_off: string;
}

export interface SourceCount {
  readonly source_table: string;
  readonly row_count: number;
  readonly control_sum: string;
}

/** Places of the report's calls in the audit log, by the checkpoints at the report's instant. */
export interface LogCoverage {
  /** The range of leaves that has them, the second index excluded; null if no leaf was covered. */
  readonly leaves: { readonly from: number; readonly to: number } | null;
  /** The last checkpoint before those leaves; null without one. */
  readonly checkpoint_before: CheckpointPoint | null;
  /** The newest checkpoint, which covers them; null without one. */
  readonly checkpoint: CheckpointPoint | null;
  /** Batches of the period's calls without a checkpoint. */
  readonly batches_not_covered: number;
}

export interface CheckpointPoint {
  readonly origin: string;
  readonly tree_size: number;
  /** Lower-case hex. */
  readonly root_hash: string;
  readonly checkpoint_at: string;
}

/** Sequences 1 to `expected` of one journal writer: the number of loaded ones, and the missing ranges. */
export interface WriterCompleteness {
  readonly writer: string;
  readonly expected: number;
  readonly found: number;
  readonly gaps: readonly string[];
}
