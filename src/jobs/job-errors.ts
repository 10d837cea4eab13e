import { isConnectionError } from '../postgres/connect.ts';

/** A run exceeded the job's timeout, or was stopped. */
export class JobCancelledError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JobCancelledError';
  }
}

// Serialization failure and deadlock (PostgreSQL's manual, appendix A): the same statements may succeed on a retry.
const REPEATABLE_CODES: ReadonlySet<unknown> = new Set(['40001', '40P01']);

/** True for a fault of connection or serialization: the same run may succeed on a retry. */
export const isTransient = (error: unknown): boolean =>
  isConnectionError(error) || REPEATABLE_CODES.has((error as { code?: unknown } | null)?.code);
