import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalBytes, KEY_BYTES } from './aead.ts';
import {
  type KeyPlace,
  type Kms,
  KmsError,
  UnknownMasterKeyError,
  UnwrapError,
  type WrappedKey,
} from './kms.ts';

export interface VaultTransitInput {
  /** Where the service is, with no slash at the end, as `https://vault.internal:8200`. */
  readonly url: string;
  readonly token: string;
  /** The key's name, after the engine's mount where that is not `transit`: `onevault`, `teams/transit/onevault`. */
  readonly key: string;
  /** The longest wait for one reply (5,000). */
  readonly timeout_ms?: number;
  /** The first of the waits between attempts, each four times the one before (100). */
  readonly retry_delay_ms?: number;
}

interface Reply {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors: readonly string[];
}

type Send = (method: 'GET' | 'POST', path: string, body?: object) => Promise<Reply>;

const KIND = 'transit';
const DOMAIN = 'onevault/wrap/v1';
const TIMEOUT_MS = 5_000;
// A leader's election in the service takes about as long as three attempts do.
const ATTEMPTS = 3;
const RETRY_DELAY_MS = 100;
const BACK_OFF = 4;
// A list of ten thousand versions; a wrapped key has 100 bytes.
const MOST_REPLY_BYTES = 2 ** 20;
const CIPHERTEXT = /^vault:v(\d{1,10}):[0-9A-Za-z+/=]+$/;

/**
 * Master keys in a service that speaks the HTTP API of HashiCorp Vault's Transit engine
 * (https://developer.hashicorp.com/vault/api-docs/secret/transit): they never leave it. The key must be made with
 * `derived=true`, so that each wrapped key is bound to its place: its context is part of the derivation.
 * The token needs `update` on encrypt, decrypt and rewrap of the key, `read` on keys/NAME, and for rotation `update`
 * on keys/NAME/rotate.
 */
export const createVaultTransitKms = (input: VaultTransitInput): Kms => {
  const slash = input.key.lastIndexOf('/');
  const mount = slash === -1 ? 'transit' : input.key.slice(0, slash);
  const name = input.key.slice(slash + 1);
  const send = createSend(input);
  const path = (operation: string): string => `${mount}/${operation}/${encodeURIComponent(name)}`;
  const idOf = (version: string | number): string => `${KIND}:${mount}/${name}:v${version}`;
  const what = `the key ${name} at ${input.url}/v1/${mount}`;

  const readKey = async () => {
    const { status, data, errors } = await send('GET', path('keys'));
    if (status === 404) {
      throw new KmsError(
        `There is no ${what.slice(4)}: make it with "vault write -f ${path('keys')} derived=true".`,
      );
    }
    if (status !== 200) throw refusal(`reading ${what}`, status, errors);
    if (data.derived !== true || data.supports_encryption === false) {
      throw new KmsError(
        `${what} must be one that encrypts and is derived: make another with "vault write -f ${mount}/keys/NAME derived=true".`,
      );
    }
    return data as {
      latest_version: number;
      min_decryption_version?: number;
      keys?: Record<string, unknown>;
    };
  };
  const wrapped = (ciphertext: unknown): WrappedKey => {
    const version = typeof ciphertext === 'string' ? CIPHERTEXT.exec(ciphertext)?.[1] : undefined;
    if (version === undefined)
      throw new KmsError(`${input.url} answers with what is no ciphertext of Transit.`);
    return { master_key_id: idOf(version), wrapped_key: Buffer.from(ciphertext as string) };
  };
  const ciphertextOf = ({ master_key_id, wrapped_key }: WrappedKey, place: KeyPlace): string => {
    if (!master_key_id.startsWith(`${KIND}:${mount}/${name}:`)) {
      throw new UnknownMasterKeyError(master_key_id, [`those of ${mount}/${name}`]);
    }
    const text = wrapped_key.toString('latin1');
    const version = CIPHERTEXT.exec(text)?.[1];
    if (version === undefined || idOf(version) !== master_key_id) throw new UnwrapError(place);
    return text;
  };
  const unwrapFailure = ({ status, errors }: Reply, doing: string, place: KeyPlace): Error =>
    // It answers 400 to a changed ciphertext, to another context, and to a version that is disabled.
    status === 400
      ? new UnwrapError(place, { cause: refusal(doing, status, errors) })
      : refusal(doing, status, errors);

  return {
    kind: KIND,
    list: async () => {
      const { latest_version, min_decryption_version = 1, keys = {} } = await readKey();
      const versions = Array.from(
        { length: Math.max(latest_version - min_decryption_version + 1, 0) },
        (_, index) => latest_version - index,
      );
      return versions.map((version) => ({
        master_key_id: idOf(version),
        created_at: instantIn(keys[version]),
      }));
    },
    wrap: async (key, place) => {
      const plaintext = Buffer.from(key).toString('base64');
      const reply = await send('POST', path('encrypt'), { plaintext, context: contextOf(place) });
      if (reply.status !== 200) throw refusal(`encrypting with ${what}`, reply.status, reply.errors);
      return wrapped(reply.data.ciphertext);
    },
    unwrap: async (key, place) => {
      const ciphertext = ciphertextOf(key, place);
      const reply = await send('POST', path('decrypt'), { ciphertext, context: contextOf(place) });
      if (reply.status !== 200) throw unwrapFailure(reply, `decrypting with ${what}`, place);
      const plain = Buffer.from(String(reply.data.plaintext), 'base64');
      if (plain.length !== KEY_BYTES) throw new KmsError(`${input.url} answers with what is no key.`);
      return plain;
    },
    rewrap: async (key, place) => {
      const ciphertext = ciphertextOf(key, place);
      const reply = await send('POST', path('rewrap'), { ciphertext, context: contextOf(place) });
      if (reply.status !== 200) throw unwrapFailure(reply, `rewrapping with ${what}`, place);
      return wrapped(reply.data.ciphertext);
    },
    rotate: async () => {
      const { status, errors } = await send('POST', `${path('keys')}/rotate`, {});
      if (status !== 200 && status !== 204) throw refusal(`rotating ${what}`, status, errors);
      return true;
    },
    // Others may use the key too: which versions go is the decision of whoever runs the service.
    destroy: async () => false,
  };
};

const contextOf = ({ table, key_id }: KeyPlace): string =>
  canonicalBytes(DOMAIN, [table, key_id]).toString('base64');

/** Symmetric keys tell the second at which each version was made. */
const instantIn = (value: unknown): string | null =>
  typeof value === 'number' ? new Date(value * 1_000).toISOString() : null;

const refusal = (doing: string, status: number, errors: readonly string[]): KmsError => {
  const said = errors.length === 0 ? '' : ` (${errors.join('; ').slice(0, 200)})`;
  const mend = status === 403 ? ' Check ONEVAULT_KMS_TOKEN, and what its policy allows.' : '';
  return new KmsError(`${doing} is refused with status ${status}${said}.${mend}`, {
    is_temporary: isTemporary(status),
  });
};

// 429 too many requests, or a standby; 5xx sealed, starting, without a leader.
const isTemporary = (status: number): boolean => status === 429 || status >= 500;

/** Requests that are tried again while the fault may pass. Rotating twice makes one version more, and no harm. */
const createSend = (input: VaultTransitInput): Send => {
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
  { url, token }: VaultTransitInput,
  timeout_ms: number,
  method: string,
  path: string,
  body?: object,
): Promise<Reply | KmsError> => {
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
    return new KmsError(
      `The service of the master keys at ${url} does not answer: ${reasonOf(error, timeout_ms)}.`,
      {
        is_temporary: true,
      },
    );
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

const parseReply = (text: string): Pick<Reply, 'data' | 'errors'> => {
  if (text === '') return { data: {}, errors: [] };
  try {
    const { data, errors } = (JSON.parse(text) ?? {}) as { data?: Reply['data']; errors?: unknown };
    return { data: data ?? {}, errors: Array.isArray(errors) ? errors.map(String) : [] };
  } catch {
    return { data: {}, errors: ['what it says is not JSON'] };
  }
};
