import type { PipelineDeps } from './deps.ts';

export interface Schedule {
  /** Fires nothing more, and waits for runs under way, at most `timeout_ms`; then they are cancelled. */
  stop(timeout_ms: number): Promise<void>;
}

export const startSchedule = (_deps: PipelineDeps): Schedule => {
  throw new Error('unfinished');
};
