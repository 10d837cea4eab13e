import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A server with the HTTP API of HashiCorp Vault's Transit engine for derived aes256-gcm96 keys, with its statuses and
 * error texts: https://developer.hashicorp.com/vault/api-docs/secret/transit.
 */
export interface TransitServer {
  readonly url: string;
  readonly token: string;
  /** Path and body of every request, in order. */
  readonly requests: { path: string; body: Record<string, unknown> }[];
  /** Responses that replace the next regular ones; `null` never responds. */
  readonly faults: (((res: ServerResponse) => void) | null)[];
  makeKey(mount: string, name: string, options?: { derived: boolean }): void;
  /** Refuses versions below from now on. */
  disableBelow(mount: string, name: string, version: number): void;
  /** Deletes versions below for good. */
  trimBelow(mount: string, name: string, version: number): void;
  close(): Promise<void>;
}

interface TransitKey {
  readonly derived: boolean;
  readonly versions: Buffer[];
  min: number;
  available: number;
}

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

export const startTransitServer = async (): Promise<TransitServer> => {
  const token = `hvs.${randomBytes(12).toString('hex')}`;
  const keys = new Map<string, TransitKey>();
  const requests: TransitServer['requests'] = [];
  const faults: TransitServer['faults'] = [];
  const server = createServer((req, res) => {
    void readBody(req).then((body) => {
      requests.push({ path: req.url ?? '', body });
      const fault = faults.shift();
      if (fault === null) return;
      if (fault !== undefined) fault(res);
      else if (req.headers['x-vault-token'] !== token) send(res, 403, { errors: ['permission denied'] });
      else answer(keys, req, body, res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    token,
    requests,
    faults,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    makeKey: (mount, name, options = { derived: true }) =>
      void keys.set(`${mount}/${name}`, { ...options, versions: [randomBytes(32)], min: 1, available: 0 }),
    disableBelow: (mount, name, version) => {
      keys.get(`${mount}/${name}`)!.min = version;
    },
    trimBelow: (mount, name, version) => {
      const key = keys.get(`${mount}/${name}`)!;
      key.available = version;
      for (let at = 0; at < version - 1; at += 1) key.versions[at] = Buffer.alloc(0);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export const send = (res: ServerResponse, status: number, body?: object): void => {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(body === undefined ? '' : JSON.stringify(body));
};

const readBody = async (req: IncomingMessage): Promise<Record<string, unknown>> => {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString();
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
};

const answer = (
  keys: Map<string, TransitKey>,
  { method, url }: IncomingMessage,
  body: Record<string, unknown>,
  res: ServerResponse,
): void => {
  const match = /^\/v1\/(.+)\/(keys|encrypt|decrypt|rewrap)\/([^/]+?)(\/rotate)?$/.exec(url ?? '');
  const key = keys.get(`${match?.[1]}/${match?.[3]}`);
  const operation = `${method} ${match?.[2]}${match?.[4] ?? ''}`;
  if (key === undefined) {
    if (operation === 'GET keys') send(res, 404, { errors: [] });
    else send(res, 400, { errors: ['encryption key not found'] });
    return;
  }
  const latest = key.versions.length;
  try {
    if (operation === 'GET keys') {
      const versions = key.versions.map((_, at) => [String(at + 1), 1_700_000_000 + at] as const);
      const facts = { type: 'aes256-gcm96', derived: key.derived, supports_encryption: true };
      const bounds = {
        latest_version: latest,
        min_decryption_version: key.min,
        min_available_version: key.available,
      };
      const listed = versions.filter(([version]) => Number(version) >= key.min);
      send(res, 200, { data: { ...facts, ...bounds, keys: Object.fromEntries(listed) } });
    } else if (operation === 'POST keys/rotate') {
      key.versions.push(randomBytes(32));
      send(res, 204);
    } else if (operation === 'POST encrypt') {
      const plaintext = Buffer.from(String(body.plaintext), 'base64');
      send(res, 200, {
        data: { ciphertext: encrypt(key, latest, plaintext, body.context), key_version: latest },
      });
    } else if (operation === 'POST decrypt') {
      send(res, 200, { data: { plaintext: decrypt(key, body).toString('base64') } });
    } else if (operation === 'POST rewrap') {
      const ciphertext = encrypt(key, latest, decrypt(key, body), body.context);
      send(res, 200, { data: { ciphertext, key_version: latest } });
    } else {
      send(res, 405, { errors: ['unsupported operation'] });
    }
  } catch (error) {
    send(res, 400, { errors: [(error as Error).message] });
  }
};

const derive = ({ versions, derived }: TransitKey, version: number, context: unknown): Buffer => {
  if (!derived) return versions[version - 1]!;
  if (typeof context !== 'string' || context === '') throw new Error('missing context for key derivation');
  const info = Buffer.from(context, 'base64');
  return Buffer.from(hkdfSync('sha256', versions[version - 1]!, Buffer.alloc(0), info, 32));
};

const encrypt = (key: TransitKey, version: number, plaintext: Buffer, context: unknown): string => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', derive(key, version, context), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return `vault:v${version}:${sealed.toString('base64')}`;
};

const decrypt = (key: TransitKey, { ciphertext, context }: Record<string, unknown>): Buffer => {
  const match = /^vault:v(\d+):(.+)$/.exec(String(ciphertext));
  const version = Number(match?.[1]);
  if (match === null || version > key.versions.length) throw new Error('invalid ciphertext: no prefix');
  if (version < key.min) throw new Error('ciphertext or signature version is disallowed by policy (too old)');
  const sealed = Buffer.from(match[2]!, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', derive(key, version, context), sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new Error('cipher: message authentication failed');
  }
};
