import type { PipelineDeps } from './deps.ts';
import type { Watermark } from './watermark.ts';

export interface JobRun {
  readonly job: string;
  readonly at: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly ended_at: string;
  readonly rows_in: number;
  readonly rows_out: number;
  readonly input_watermark: Watermark;
  readonly sql_sha256: string | null;
}

export interface RunInput {
  /** The logical instant, ISO 8601, UTC. */
  readonly at: string;
  /** Whether `at` may lie in the future: closes a month early; what is used after it goes to the next invoice. */
  readonly allow_future?: boolean;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
}

export const runJob = async (_deps: PipelineDeps, _name: string, _input: RunInput): Promise<JobRun> => {
  throw new Error('unfinished');
};
