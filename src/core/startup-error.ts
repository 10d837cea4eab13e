/** A fault that prevents the start of the product. The message names the fault, its place and its cure. */
export class StartupError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'StartupError';
  }
}
