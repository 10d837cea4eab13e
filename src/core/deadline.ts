/** A work that did not end in time. It may still go on. */
export class DeadlineError extends Error {
  constructor(timeout_ms: number) {
    super(`there was no result within ${timeout_ms} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * The result of `work` if it comes in time. A server that hangs sends no error.
 * @throws DeadlineError, or the error of `work`
 */
export const within = async <T>(timeout_ms: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(timeout_ms)), timeout_ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
