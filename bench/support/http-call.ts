/** A POST that a load generator repeats. */
export interface HttpCall {
  readonly url: string;
  readonly authorization: string;
  /** JSON text. */
  readonly body: string;
}

export const headersOf = ({ authorization }: HttpCall): Record<string, string> => ({
  authorization,
  'content-type': 'application/json',
});
