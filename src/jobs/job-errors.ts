import { isConnectionError } from '../postgres/connect.ts';

/** A run took longer than its job may, or was told to stop. */
export class JobCancelledError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JobCancelledError';
  }
}

// Serialization failure and deadlock (PostgreSQL's manual, appendix A): the same statements may succeed when repeated.
const REPEATABLE_CODES: ReadonlySet<unknown> = new Set(['40001', '40P01']);

/** Whether the fault is one of connection or serialization, so that the same run may succeed when repeated. */
export const isTransient = (error: unknown): boolean =>
  isConnectionError(error) || REPEATABLE_CODES.has((error as { code?: unknown } | null)?.code);
