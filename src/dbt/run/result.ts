/** Result of one model or test. */
export interface NodeResult {
  readonly unique_id: string;
  readonly status: 'success' | 'pass' | 'warn' | 'fail' | 'error' | 'skipped';
  /** The rows written by a model, or null (views, tests, failures). */
  readonly rows_affected: number | null;
  /** The failing rows of a test, or null. */
  readonly failures: number | null;
  readonly started_at: string;
  readonly completed_at: string;
  readonly execution_time_s: number;
  readonly compiled_sql: string | null;
  /** SHA-256 of `compiled_sql`, lower-case hexadecimal. */
  readonly compiled_sha256: string | null;
  readonly message: string | null;
}

/** True if nodes that wait for this one must not run. */
export const isBlocking = ({ status }: NodeResult): boolean => ['fail', 'error', 'skipped'].includes(status);

/** The text of a fault of PostgreSQL, with what it adds to help. */
export const faultOf = (error: unknown): string => {
  const { message, detail, hint, code } = error as {
    message?: string;
    detail?: string;
    hint?: string;
    code?: string;
  };
  const parts = [message ?? String(error), detail, hint === undefined ? undefined : `Hint: ${hint}`].filter(Boolean);
  return `${parts.join('. ')}${code === undefined ? '' : ` (${code})`}`;
};
