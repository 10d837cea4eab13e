import { isAbsolute, resolve } from 'node:path';
import type { RealtimeConfig } from '../gateway/ai/realtime/config.ts';
import { parseMasterKey } from '../keys/master-key.ts';
import { COMPATIBLE_PROVIDERS, variablesOf } from '../providers/compatible-providers.ts';

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
  /** Until the last byte of its reply, however steadily it comes. */
  readonly provider_total_timeout_ms: number;
  readonly provider_reply_limit_bytes: number;
  readonly provider_stream_limit_bytes: number;
  readonly provider_event_limit_bytes: number;
  /** How long a client may take nothing of its stream. */
  readonly client_timeout_ms: number;
  readonly realtime: RealtimeConfig;
  /** How long a stop waits for calls under way. */
  readonly shutdown_timeout_ms: number;
  /** For how many days after its end a day of calls is kept; 0 is for ever. */
  readonly retention_days: number;
  readonly keys: KeysConfig;
  /** C2SP verifier keys of those whose signatures on checkpoints are taken; their form only is checked here. */
  readonly witness_keys: readonly string[];
  /** `host`, `host:port`, `[address]`: where customers' own base URLs may lead beside the public network. */
  readonly allowed_upstream_hosts: readonly string[];
  /** By provider: what stands in for the sandbox. */
  readonly providers: Readonly<Record<'openai' | 'anthropic' | 'google', ProviderConfig>>;
  /** By provider: those made like OpenAI's. Without a key and a base URL one is not offered. */
  readonly compatible_providers: Readonly<Record<string, ProviderConfig>>;
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

/** The variables that we read, for docs/settings.md, for `onevault --help`, and for finding typos. */
export const VARIABLES = {
  HOST: 'address to listen on (127.0.0.1)',
  PORT: 'port to listen on (8080); 0 takes a free one',
  DATABASE_URL: 'PostgreSQL 15 or newer to use instead of the embedded one',
  OPENAI_API_KEY: "OpenAI's service instead of the sandbox",
  OPENAI_BASE_URL: "another server that speaks OpenAI's protocol",
  ANTHROPIC_API_KEY: "Anthropic's service instead of the sandbox",
  ANTHROPIC_BASE_URL: "another server that speaks Anthropic's protocol",
  GEMINI_API_KEY: "Google's service instead of the sandbox",
  GOOGLE_BASE_URL: "another server that speaks Google's protocol",
  ONEVAULT_DATA_DIR: 'folder of the journal and the embedded database (.onevault)',
  ONEVAULT_MASTER_KEY:
    'master keys of 32 bytes in hex or base64, newest first, with commas between, instead of the file in the data folder',
  ONEVAULT_KMS_URL: "service that keeps the master keys instead and speaks HashiCorp Vault's Transit API",
  ONEVAULT_KMS_TOKEN: 'token for that service',
  ONEVAULT_KMS_KEY: 'name of the key there, after its mount and a slash where that is not transit (onevault)',
  ONEVAULT_WITNESS_KEYS: 'verifier keys of those who may cosign checkpoints, with commas between',
  ONEVAULT_ALLOWED_UPSTREAM_HOSTS:
    "hosts that customers' own base URLs may name though they are not public, or speak http, with commas between",
  ONEVAULT_LOG_LEVEL: `${LOG_LEVELS.join(', ')} (info)`,
  ONEVAULT_JOURNAL_LIMIT_BYTES: 'journal size beyond which calls are refused (10737418240)',
  ONEVAULT_BODY_LIMIT_BYTES: 'largest request body (33554432)',
  ONEVAULT_MAX_CALLS_IN_FLIGHT: 'calls at once, beyond which calls are refused (4096)',
  ONEVAULT_PROVIDER_TIMEOUT_MS: 'longest silence of a provider (120000)',
  ONEVAULT_PROVIDER_TOTAL_TIMEOUT_MS: 'longest time until the end of its reply, however steadily it comes (1800000)',
  ONEVAULT_PROVIDER_REPLY_LIMIT_BYTES: 'largest reply of a provider that is not streamed (67108864)',
  ONEVAULT_PROVIDER_STREAM_LIMIT_BYTES: 'longest stream of a provider (268435456)',
  ONEVAULT_PROVIDER_EVENT_LIMIT_BYTES: 'largest event of a stream, which is held until it is whole (8388608)',
  ONEVAULT_CLIENT_TIMEOUT_MS: 'longest time in which a client takes nothing of its stream (60000)',
  ONEVAULT_REALTIME_SESSIONS_MAX: 'realtime sessions that one customer may have open at once (256)',
  ONEVAULT_REALTIME_MESSAGE_LIMIT_BYTES: 'largest message of a realtime session, either way (16777216)',
  ONEVAULT_REALTIME_IDLE_TIMEOUT_MS: 'longest time in which nobody says anything in a realtime session (600000)',
  ONEVAULT_SHUTDOWN_TIMEOUT_MS: 'longest wait for calls under way at a stop (30000)',
  ONEVAULT_RETENTION_DAYS:
    'days that calls are kept, then destroyed by the day with a certificate, at least 183; 0 keeps them for ever (2557)',
} as const;

const FAMILY = COMPATIBLE_PROVIDERS.map((entry) => ({ entry, names: variablesOf(entry.provider) }));

type FamilyVariable = `${string}_API_KEY` | `${string}_BASE_URL`;

/** Likewise those of the providers made like OpenAI's. */
export const FAMILY_VARIABLES: Readonly<Record<FamilyVariable, string>> = Object.fromEntries(
  FAMILY.flatMap(({ entry: { provider_name, base_url }, names }) => [
    [names.api_key, `key of ${provider_name}`],
    [names.base_url, `address of ${provider_name} (${base_url ?? 'none'})`],
  ]),
);

type Variable = keyof typeof VARIABLES | FamilyVariable;
type Environment = Readonly<Record<string, string | undefined>>;

/** Bad configuration: `faults` lists every fault, each with the variable, what is wrong and how to mend it. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** The configuration of this process. Throws as `readConfig` does. */
export const processConfig = (): Config => readConfig(process.env, process.cwd());

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
    faults.push(`${name}: must be a URL that starts with ${protocols.map((name) => `${name}//`).join(' or ')}`);
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
    provider_total_timeout_ms: integer('ONEVAULT_PROVIDER_TOTAL_TIMEOUT_MS', 1_800_000, 100, 86_400_000),
    // More than any model writes today, pictures included.
    provider_reply_limit_bytes: integer('ONEVAULT_PROVIDER_REPLY_LIMIT_BYTES', 2 ** 26, 1_024, 2 ** 28),
    // A million tokens, each in a frame of its own.
    provider_stream_limit_bytes: integer('ONEVAULT_PROVIDER_STREAM_LIMIT_BYTES', 2 ** 28, 1_024, 2 ** 46),
    // One frame of a streamed picture is about 2 MiB of base64.
    provider_event_limit_bytes: integer('ONEVAULT_PROVIDER_EVENT_LIMIT_BYTES', 2 ** 23, 1_024, 2 ** 28),
    client_timeout_ms: integer('ONEVAULT_CLIENT_TIMEOUT_MS', 60_000, 100, 3_600_000),
    realtime: {
      sessions_max: integer('ONEVAULT_REALTIME_SESSIONS_MAX', 256, 1, 100_000),
      // OpenAI takes 15 MiB of sound in one event.
      message_max_bytes: integer('ONEVAULT_REALTIME_MESSAGE_LIMIT_BYTES', 2 ** 24, 1_024, 2 ** 28),
      idle_timeout_ms: integer('ONEVAULT_REALTIME_IDLE_TIMEOUT_MS', 600_000, 100, 86_400_000),
    },
    shutdown_timeout_ms: integer('ONEVAULT_SHUTDOWN_TIMEOUT_MS', 30_000, 100, 600_000),
    retention_days: readRetentionDays(integer('ONEVAULT_RETENTION_DAYS', 2_557, 0, 36_500), faults),
    keys: readKeys(text, url('ONEVAULT_KMS_URL', ['http:', 'https:']), faults),
    witness_keys: readWitnessKeys(text('ONEVAULT_WITNESS_KEYS'), faults),
    allowed_upstream_hosts: readHosts(text('ONEVAULT_ALLOWED_UPSTREAM_HOSTS'), faults),
    providers: {
      openai: { api_key: text('OPENAI_API_KEY'), base_url: url('OPENAI_BASE_URL', ['http:', 'https:']) },
      anthropic: {
        api_key: text('ANTHROPIC_API_KEY'),
        base_url: url('ANTHROPIC_BASE_URL', ['http:', 'https:']),
      },
      google: { api_key: text('GEMINI_API_KEY'), base_url: url('GOOGLE_BASE_URL', ['http:', 'https:']) },
    },
    compatible_providers: readFamily(text, (name) => url(name, ['http:', 'https:']), faults),
  };
  if (faults.length > 0) throw new ConfigError(faults);
  for (const provider of Object.values(config.providers)) Object.freeze(provider);
  for (const provider of Object.values(config.compatible_providers)) Object.freeze(provider);
  Object.freeze(config.compatible_providers);
  Object.freeze(config.providers);
  Object.freeze(config.keys.master_keys);
  if (config.keys.kms !== null) Object.freeze(config.keys.kms);
  Object.freeze(config.keys);
  Object.freeze(config.realtime);
  Object.freeze(config.witness_keys);
  Object.freeze(config.allowed_upstream_hosts);
  return Object.freeze(config);
};

// Six months: Art. 19(1) and 26(6) of Regulation (EU) 2024/1689. The default is seven years, for audit records of public
// companies (17 CFR 210.2-06); HIPAA asks for six (45 CFR 164.316(b)(2)(i)).
const LEAST_RETENTION_DAYS = 183;

const readRetentionDays = (days: number, faults: string[]): number => {
  if (days !== 0 && days < LEAST_RETENTION_DAYS) {
    faults.push(
      `ONEVAULT_RETENTION_DAYS=${days}: must be at least ${LEAST_RETENTION_DAYS}, or 0 to keep calls for ever`,
    );
  }
  return days;
};

const readFamily = (
  text: (name: Variable) => string | null,
  url: (name: Variable) => string | null,
  faults: string[],
): Readonly<Record<string, ProviderConfig>> => {
  const configs: Record<string, ProviderConfig> = {};
  for (const { entry, names } of FAMILY) {
    const [api_key, base_url] = [text(names.api_key), url(names.base_url)];
    if (api_key !== null && text(names.base_url) === null && entry.base_url === null) {
      faults.push(`${names.base_url}: is needed with ${names.api_key}`);
    }
    configs[entry.provider] = { api_key, base_url };
  }
  return configs;
};

const listOf = (text: string | null): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** As URLs write hosts: another spelling would allow nothing, and nobody would know why. */
const readHosts = (text: string | null, faults: string[]): readonly string[] => {
  const hosts = listOf(text?.toLowerCase() ?? null);
  for (const host of hosts) {
    const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : null;
    // A star is a letter to URLs, and would stand for nothing else.
    if (url?.host === host && url.username === '' && !/\.$|\*/.test(host)) continue;
    faults.push(
      `ONEVAULT_ALLOWED_UPSTREAM_HOSTS: ${host.replace(/^.*@/, '…@')} must be a host as URLs have it, with its port or without: vllm.corp.example:8000, 10.0.0.5, [fd00::5]`,
    );
  }
  return hosts;
};

const VERIFIER_KEY = /^[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/;

const readWitnessKeys = (text: string | null, faults: string[]): readonly string[] => {
  const keys = listOf(text);
  for (const key of keys) {
    if (!VERIFIER_KEY.test(key)) {
      faults.push(`ONEVAULT_WITNESS_KEYS: ${key} must be <name>+<eight hex digits>+<base64>`);
    }
  }
  return keys;
};

const KMS_KEY = /^(?:[\w.-]+\/)*[\w.-]+$/;

/** No fault repeats what a key or a token looks like. */
const readKeys = (text: (name: Variable) => string | null, kms_url: string | null, faults: string[]): KeysConfig => {
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
    faults.push(`ONEVAULT_KMS_KEY=${key}: must be a name, or mount/name, of letters, digits, "_", "-" and "."`);
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
  const family = Object.keys(FAMILY_VARIABLES);
  const faults: string[] = [];
  for (const name of Object.keys(env)) {
    if (known.includes(name) || family.includes(name)) continue;
    const nearest = [...known, ...family.filter((each) => isOfSameProvider(each, name))]
      .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
      .reduce((best, each) => (each.distance < best.distance ? each : best));
    const is_near = name.length >= TYPO_MIN_LENGTH && nearest.distance <= TYPO_DISTANCE;
    if (is_near || name.startsWith('ONEVAULT_')) {
      faults.push(`${name}: no such variable; did you mean ${nearest.candidate}?`);
    }
  }
  return faults;
};

/** ZAI_API_KEY is another provider's, and no misspelt XAI_API_KEY: names of providers are short and alike. */
const isOfSameProvider = (variable: string, name: string): boolean =>
  name.startsWith(variable.replace(/(?:API_KEY|BASE_URL)$/, ''));

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
