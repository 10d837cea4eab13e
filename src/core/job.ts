import type { Watermark } from './watermark.ts';

/** Something that runs on a clock. Each `<name>.job.ts` exports these names. */
export interface Job<Context> {
  readonly name: string;
  /** Cron text, UTC: when it runs, and so which instants it can have missed. */
  readonly schedule: string;
  /** After a pause: `each` missed instant in turn, or only the `latest`, where a run covers all before it. */
  readonly catch_up: 'each' | 'latest';
  /** After how long a run is cancelled. */
  readonly timeout_ms: number;
  run(context: Context): Promise<JobResult>;
}

export interface JobResult {
  /** Calls that the results were made of. */
  readonly rows_in: number;
  /** Satellite rows written, or what else the job makes: 0 when nothing had changed. */
  readonly rows_out: number;
  readonly input_watermark: Watermark;
  /** SHA-256 of the compiled SQL, hex. */
  readonly sql_sha256: string | null;
  /** What the run left undone, and why, a sentence each; stands in the row of the run. */
  readonly left_undone?: readonly string[];
}
