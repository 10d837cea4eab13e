import { isAbsolute, resolve } from 'node:path';
import { parseMasterKey } from './secrets/master-key.ts';

/** Everything that the environment may set, checked whole and frozen. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly data_dir: string;
  /** PostgreSQL to use instead of the embedded one. */
  readonly database_url: string | null;
  readonly log_level: LogLevel;
  readonly journal_limit_bytes: number;
  readonly body_limit_bytes: number;
  readonly max_calls_in_flight: number;
  /** Waits for a provider's headers and between two pieces of its reply. */
  readonly provider_timeout_ms: number;
  /** How long a stop waits for calls under way. */
  readonly shutdown_timeout_ms: number;
  readonly keys: KeysConfig;
  /** C2SP verifier keys of those whose signatures on checkpoints are taken; their form only is checked here. */
  readonly witness_keys: readonly string[];
  /** By provider: what stands in for the sandbox. */
  readonly providers: Readonly<Record<'openai' | 'anthropic', ProviderConfig>>;
}

export interface KeysConfig {
  /** Each 32 bytes in hex, newest first; none where they lie in the data directory. */
  readonly master_keys: readonly string[];
  /** A service that keeps the master keys instead. */
  readonly kms: { readonly url: string; readonly token: string; readonly key: string } | null;
}

export interface ProviderConfig {
  readonly api_key: string | null;
  readonly base_url: string | null;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** The variables that we read, for the README, for `onevault --help`, and for finding typos. */
export const VARIABLES = {
  HOST: 'address to listen on (127.0.0.1)',
  PORT: 'port to listen on (8080); 0 takes a free one',
  DATABASE_URL: 'PostgreSQL 15 or newer to use instead of the embedded one',
  OPENAI_API_KEY: "OpenAI's service instead of the sandbox",
  OPENAI_BASE_URL: "another server that speaks OpenAI's protocol",
  ANTHROPIC_API_KEY: "Anthropic's service instead of the sandbox",
  ANTHROPIC_BASE_URL: "another server that speaks Anthropic's protocol",
  ONEVAULT_DATA_DIR: 'folder of the journal and the embedded database (.onevault)',
  ONEVAULT_MASTER_KEY:
    'master keys of 32 bytes in hex or base64, newest first, with commas between, instead of the file in the data folder',
  ONEVAULT_KMS_URL: "service that keeps the master keys instead and speaks HashiCorp Vault's Transit API",
  ONEVAULT_KMS_TOKEN: 'token for that service',
  ONEVAULT_KMS_KEY: 'name of the key there, after its mount and a slash where that is not transit (onevault)',
  ONEVAULT_WITNESS_KEYS: 'verifier keys of those who may cosign checkpoints, with commas between',
  ONEVAULT_LOG_LEVEL: `${LOG_LEVELS.join(', ')} (info)`,
  ONEVAULT_JOURNAL_LIMIT_BYTES: 'journal size beyond which calls are refused (10737418240)',
  ONEVAULT_BODY_LIMIT_BYTES: 'largest request body (33554432)',
  ONEVAULT_MAX_CALLS_IN_FLIGHT: 'calls at once, beyond which calls are refused (4096)',
  ONEVAULT_PROVIDER_TIMEOUT_MS: 'longest silence of a provider (120000)',
  ONEVAULT_SHUTDOWN_TIMEOUT_MS: 'longest wait for calls under way at a stop (30000)',
} as const;

type Variable = keyof typeof VARIABLES;
type Environment = Readonly<Record<string, string | undefined>>;

/** Bad configuration: `faults` lists every fault, each with the variable, what is wrong and how to mend it. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * Reads the configuration.
 * @param env the environment
 * @param cwd the folder that a relative ONEVAULT_DATA_DIR starts from
 * @throws ConfigError listing every fault, a misspelt variable among them
 */
export const readConfig = (env: Environment, cwd: string): Config => {
  const faults: string[] = misspelt(env);
  const text = (name: Variable): string | null => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  const integer = (name: Variable, fallback: number, least: number, most: number): number => {
    const value = text(name);
    if (value === null) return fallback;
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    faults.push(`${name}=${value}: must be a whole number from ${least} to ${most}`);
    return fallback;
  };
  const url = (name: Variable, protocols: readonly string[]): string | null => {
    const value = text(name);
    if (value === null) return null;
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value.replace(/\/+$/, '');
    faults.push(
      `${name}: must be a URL that starts with ${protocols.map((name) => `${name}//`).join(' or ')}`,
    );
    return null;
  };
  const choice = <T extends string>(name: Variable, fallback: T, choices: readonly T[]): T => {
    const value = text(name);
    if (value === null) return fallback;
    const chosen = choices.find((each) => each === value);
    if (chosen === undefined) faults.push(`${name}=${value}: must be one of ${choices.join(', ')}`);
    return chosen ?? fallback;
  };
  const folder = (name: Variable, fallback: string): string => {
    const value = text(name) ?? fallback;
    return isAbsolute(value) ? value : resolve(cwd, value);
  };
  const config: Config = {
    host: text('HOST') ?? '127.0.0.1',
    port: integer('PORT', 8080, 0, 65_535),
    data_dir: folder('ONEVAULT_DATA_DIR', '.onevault'),
    database_url: url('DATABASE_URL', ['postgres:', 'postgresql:']),
    log_level: choice('ONEVAULT_LOG_LEVEL', 'info', LOG_LEVELS),
    journal_limit_bytes: integer('ONEVAULT_JOURNAL_LIMIT_BYTES', 10 * 2 ** 30, 2 ** 20, 2 ** 46),
    body_limit_bytes: integer('ONEVAULT_BODY_LIMIT_BYTES', 32 * 2 ** 20, 1_024, 2 ** 30),
    max_calls_in_flight: integer('ONEVAULT_MAX_CALLS_IN_FLIGHT', 4_096, 1, 100_000),
    provider_timeout_ms: integer('ONEVAULT_PROVIDER_TIMEOUT_MS', 120_000, 100, 3_600_000),
    shutdown_timeout_ms: integer('ONEVAULT_SHUTDOWN_TIMEOUT_MS', 30_000, 100, 600_000),
    keys: readKeys(text, url('ONEVAULT_KMS_URL', ['http:', 'https:']), faults),
    witness_keys: readWitnessKeys(text('ONEVAULT_WITNESS_KEYS'), faults),
    providers: {
      openai: { api_key: text('OPENAI_API_KEY'), base_url: url('OPENAI_BASE_URL', ['http:', 'https:']) },
      anthropic: {
        api_key: text('ANTHROPIC_API_KEY'),
        base_url: url('ANTHROPIC_BASE_URL', ['http:', 'https:']),
      },
    },
  };
  if (faults.length > 0) throw new ConfigError(faults);
  for (const provider of Object.values(config.providers)) Object.freeze(provider);
  Object.freeze(config.providers);
  Object.freeze(config.keys.master_keys);
  if (config.keys.kms !== null) Object.freeze(config.keys.kms);
  Object.freeze(config.keys);
  Object.freeze(config.witness_keys);
  return Object.freeze(config);
};

const VERIFIER_KEY = /^[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/;

const readWitnessKeys = (text: string | null, faults: string[]): readonly string[] => {
  const keys = (text ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  for (const key of keys) {
    if (!VERIFIER_KEY.test(key)) {
      faults.push(`ONEVAULT_WITNESS_KEYS: ${key} must be <name>+<eight hex digits>+<base64>`);
    }
  }
  return keys;
};

const KMS_KEY = /^(?:[\w.-]+\/)*[\w.-]+$/;

/** No fault repeats what a key or a token looks like. */
const readKeys = (
  text: (name: Variable) => string | null,
  kms_url: string | null,
  faults: string[],
): KeysConfig => {
  const given = text('ONEVAULT_MASTER_KEY')?.split(',') ?? [];
  const parsed = given.map((each) => parseMasterKey(each.trim())?.toString('hex') ?? null);
  const master_keys = parsed.filter((key) => key !== null);
  if (master_keys.length < given.length) {
    const which = given.length === 1 ? '' : ` (number ${parsed.indexOf(null) + 1} of ${given.length} is not)`;
    faults.push(
      `ONEVAULT_MASTER_KEY: must be 32 random bytes in hex (64 digits) or base64 (44 characters), as "openssl rand -base64 32" prints them${which}`,
    );
  }
  if (new Set(master_keys).size < master_keys.length) {
    faults.push('ONEVAULT_MASTER_KEY: holds the same key twice');
  }
  const [token, key] = [text('ONEVAULT_KMS_TOKEN'), text('ONEVAULT_KMS_KEY') ?? 'onevault'];
  if (!KMS_KEY.test(key)) {
    faults.push(
      `ONEVAULT_KMS_KEY=${key}: must be a name, or mount/name, of letters, digits, "_", "-" and "."`,
    );
  }
  const is_url_named = text('ONEVAULT_KMS_URL') !== null;
  if (is_url_named && token === null) faults.push('ONEVAULT_KMS_TOKEN: is needed with ONEVAULT_KMS_URL');
  if (!is_url_named && token !== null) faults.push('ONEVAULT_KMS_URL: is needed with ONEVAULT_KMS_TOKEN');
  return { master_keys, kms: kms_url === null || token === null ? null : { url: kms_url, token, key } };
};

// Two letters wrong still reads as the same name; in a name shorter than eight it may be another one.
const TYPO_DISTANCE = 2;
const TYPO_MIN_LENGTH = 8;

const misspelt = (env: Environment): string[] => {
  const known = Object.keys(VARIABLES);
  const faults: string[] = [];
  for (const name of Object.keys(env)) {
    if (known.includes(name)) continue;
    const nearest = known
      .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
      .reduce((best, each) => (each.distance < best.distance ? each : best));
    const is_near = name.length >= TYPO_MIN_LENGTH && nearest.distance <= TYPO_DISTANCE;
    if (is_near || name.startsWith('ONEVAULT_')) {
      faults.push(`${name}: no such variable; did you mean ${nearest.candidate}?`);
    }
  }
  return faults;
};

/** Levenshtein's distance. */
const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substituted));
    }
    previous = current;
  }
  return previous[b.length]!;
};
