import { setTimeout as sleep } from 'node:timers/promises';
import { KmsError } from './kms.ts';

export interface TransitAddress {
  /** Base URL of the service without a trailing slash, as `https://vault.internal:8200`. */
  readonly url: string;
  readonly token: string;
  /** Timeout of one response (5,000). */
  readonly timeout_ms?: number;
  /** First delay between attempts (100); each further delay is four times the previous one. */
  readonly retry_delay_ms?: number;
}

export interface TransitResponse {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors: readonly string[];
}

/**
 * Sends a request to `/v1/<path>`. A response of any status is a result.
 * @throws KmsError without a response
 */
export type TransitSend = (method: 'GET' | 'POST', path: string, body?: object) => Promise<TransitResponse>;

const TIMEOUT_MS = 5_000;
// The election of a leader in the service takes about as long as three attempts.
const ATTEMPTS = 3;
const RETRY_DELAY_MS = 100;
const BACK_OFF = 4;
// Enough for a list of ten thousand versions; a wrapped key has 100 bytes.
const MAX_RESPONSE_BYTES = 2 ** 20;

/** Retries requests after temporary faults. A repeated rotation only creates one more version, which is harmless. */
export const createTransitSend = (input: TransitAddress): TransitSend => {
  const { timeout_ms = TIMEOUT_MS, retry_delay_ms = RETRY_DELAY_MS } = input;
  return async (method, path, body) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await attemptOnce(input, timeout_ms, method, path, body);
      const is_over = !(outcome instanceof KmsError) && !isTemporary(outcome.status);
      if (is_over || attempt === ATTEMPTS) {
        if (outcome instanceof KmsError) throw outcome;
        return outcome;
      }
      // Half of the delay is random, so that many processes do not retry at the same time.
      const delay_ms = retry_delay_ms * BACK_OFF ** (attempt - 1);
      await sleep(delay_ms * (0.5 + Math.random() / 2));
    }
  };
};

const attemptOnce = async (
  { url, token }: TransitAddress,
  timeout_ms: number,
  method: string,
  path: string,
  body?: object,
): Promise<TransitResponse | KmsError> => {
  try {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': token, 'x-vault-request': 'true', 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeout_ms),
      // The target of a redirect would get the token.
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...parseBody(await readLimited(response)) };
  } catch (error) {
    if (error instanceof KmsError) return error;
    return new KmsError(`The key management service at ${url} does not answer: ${reasonOf(error, timeout_ms)}.`, {
      is_temporary: true,
    });
  }
};

const reasonOf = (error: unknown, timeout_ms: number): string => {
  const { name, message, cause } = error as Error & { cause?: Error & { code?: string } };
  if (name === 'TimeoutError') return `not within ${timeout_ms} ms`;
  return cause?.code ?? cause?.message ?? message;
};

const readLimited = async (response: Response): Promise<string> => {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_RESPONSE_BYTES) throw new Error(`the response exceeds ${MAX_RESPONSE_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
};

const parseBody = (text: string): Pick<TransitResponse, 'data' | 'errors'> => {
  if (text === '') return { data: {}, errors: [] };
  try {
    const { data, errors } = (JSON.parse(text) ?? {}) as { data?: TransitResponse['data']; errors?: unknown };
    return { data: data ?? {}, errors: Array.isArray(errors) ? errors.map(String) : [] };
  } catch {
    return { data: {}, errors: ['its response is not JSON'] };
  }
};

// 429: too many requests, or a standby. 5xx: sealed, starting, or without a leader.
const isTemporary = (status: number): boolean => status === 429 || status >= 500;

/** Error for a response without success. @param doing as "reading the key onevault" */
export const transitRefusal = (doing: string, { status, errors }: TransitResponse): KmsError => {
  const reasons = errors.length === 0 ? '' : ` (${errors.join('; ').slice(0, 200)})`;
  const cure = status === 403 ? ' Check ONEVAULT_KMS_TOKEN and its policy.' : '';
  return new KmsError(`${doing} is refused with status ${status}${reasons}.${cure}`, {
    is_temporary: isTemporary(status),
  });
};
