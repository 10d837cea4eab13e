import { setTimeout as sleep } from 'node:timers/promises';
import { KmsError } from './kms.ts';

export interface TransitAddress {
  /** Where the service is, with no slash at the end, as `https://vault.internal:8200`. */
  readonly url: string;
  readonly token: string;
  /** The longest wait for one reply (5,000). */
  readonly timeout_ms?: number;
  /** The first of the waits between attempts, each four times the one before (100). */
  readonly retry_delay_ms?: number;
}

export interface TransitReply {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors: readonly string[];
}

/**
 * Asks the service, with what follows `/v1/` as the path; whatever its status, a reply is one.
 * @throws KmsError when there is none
 */
export type TransitSend = (method: 'GET' | 'POST', path: string, body?: object) => Promise<TransitReply>;

const TIMEOUT_MS = 5_000;
// A leader's election in the service takes about as long as three attempts do.
const ATTEMPTS = 3;
const RETRY_DELAY_MS = 100;
const BACK_OFF = 4;
// A list of ten thousand versions; a wrapped key has 100 bytes.
const MOST_REPLY_BYTES = 2 ** 20;

/** Requests that are tried again while the fault may pass. Rotating twice makes one version more, and no harm. */
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
      // Half of it at random, so that many processes do not come back at once.
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
): Promise<TransitReply | KmsError> => {
  try {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': token, 'x-vault-request': 'true', 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeout_ms),
      // Who redirects us would get the token.
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...parseReply(await readLimited(response)) };
  } catch (error) {
    if (error instanceof KmsError) return error;
    return new KmsError(`The service of the master keys at ${url} does not answer: ${reasonOf(error, timeout_ms)}.`, {
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
    if (bytes > MOST_REPLY_BYTES) throw new Error(`a reply of more than ${MOST_REPLY_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
};

const parseReply = (text: string): Pick<TransitReply, 'data' | 'errors'> => {
  if (text === '') return { data: {}, errors: [] };
  try {
    const { data, errors } = (JSON.parse(text) ?? {}) as { data?: TransitReply['data']; errors?: unknown };
    return { data: data ?? {}, errors: Array.isArray(errors) ? errors.map(String) : [] };
  } catch {
    return { data: {}, errors: ['what it says is not JSON'] };
  }
};

// 429 too many requests, or a standby; 5xx sealed, starting, without a leader.
const isTemporary = (status: number): boolean => status === 429 || status >= 500;

/** What is told of a reply that is no success. @param doing as "reading the key onevault" */
export const transitRefusal = (doing: string, { status, errors }: TransitReply): KmsError => {
  const said = errors.length === 0 ? '' : ` (${errors.join('; ').slice(0, 200)})`;
  const mend = status === 403 ? ' Check ONEVAULT_KMS_TOKEN, and what its policy allows.' : '';
  return new KmsError(`${doing} is refused with status ${status}${said}.${mend}`, {
    is_temporary: isTemporary(status),
  });
};
