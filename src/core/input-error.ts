/** An invalid request to the pipeline. The message names the fault and the valid values. */
export class InputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InputError';
  }
}
