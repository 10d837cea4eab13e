/** A fault of the world that keeps the product from starting: the message says what, where and how to mend it. */
export class StartupError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'StartupError';
  }
}
