/** A request to the pipeline that cannot be served as it was made: the message says what is wrong and what there is. */
export class InputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InputError';
  }
}
