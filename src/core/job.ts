import type { Watermark } from './watermark.ts';

/** A task that runs on a schedule. Each `<name>.job.ts` exports these names. */
export interface Job<Context> {
  readonly name: string;
  /** Cron expression in UTC. It also determines the instants that a pause has missed. */
  readonly schedule: string;
  /** After a pause: run `each` missed instant in order, or only the `latest` if one run covers all earlier ones. */
  readonly catch_up: 'each' | 'latest';
  /** Longest duration of a run; then it is cancelled. */
  readonly timeout_ms: number;
  run(context: Context): Promise<JobResult>;
}

export interface JobResult {
  /** Number of calls that the results are based on. */
  readonly rows_in: number;
  /** Number of rows written to satellites, or of other results; 0 if nothing had changed. */
  readonly rows_out: number;
  readonly input_watermark: Watermark;
  /** SHA-256 of the compiled SQL, hex. */
  readonly sql_sha256: string | null;
  /** Work that the run skipped, with the reason, one sentence each; stored in the row of the run. */
  readonly left_undone?: readonly string[];
}
