import type { RealtimeConfig } from '../gateway/ai/realtime/config.ts';
import { parseMasterKey } from '../keys/master-key.ts';
import { COMPATIBLE_PROVIDERS, variablesOf } from '../providers/compatible-providers.ts';
import { findMisspelt } from './misspelt-settings.ts';
import { type Environment, readSettings, type SettingValues } from './read-settings.ts';

/** All settings of the environment, checked and frozen. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly data_dir: string;
  /** PostgreSQL to use instead of the embedded one. */
  readonly database_url: string | null;
  readonly log_level: SettingValues['values']['ONEVAULT_LOG_LEVEL'];
  readonly journal_limit_bytes: number;
  readonly body_limit_bytes: number;
  readonly replay_limit_bytes: number;
  readonly max_calls_in_flight: number;
  /** Requests without a valid key that one address may send a minute. */
  readonly refused_keys_per_minute: number;
  /** Timeout for a provider's headers and between two pieces of its response. */
  readonly provider_timeout_ms: number;
  /** Timeout for the last byte of its response, even while data arrives. */
  readonly provider_total_timeout_ms: number;
  readonly provider_response_limit_bytes: number;
  readonly provider_stream_limit_bytes: number;
  readonly provider_event_limit_bytes: number;
  /** Longest time in which a client may read nothing of its stream. */
  readonly client_timeout_ms: number;
  readonly realtime: RealtimeConfig;
  /** Longest wait for current calls at a stop. */
  readonly shutdown_timeout_ms: number;
  /** Number of days after its end for which a day of calls is kept; 0 is for ever. */
  readonly retention_days: number;
  readonly keys: KeysConfig;
  /** C2SP verifier keys of the witnesses of checkpoints; only their form is checked here. */
  readonly witness_keys: readonly string[];
  /** `host`, `host:port`, `[address]`: allowed internal hosts of customers' own base URLs. */
  readonly allowed_upstream_hosts: readonly string[];
  /** By provider: the replacement of the sandbox. */
  readonly providers: Readonly<Record<'openai' | 'anthropic' | 'google', ProviderConfig>>;
  /** By provider: the compatible providers. One without a key and a base URL is not available. */
  readonly compatible_providers: Readonly<Record<string, ProviderConfig>>;
}

export interface KeysConfig {
  /** Each 32 bytes in hex, newest first; empty if they are in the data directory. */
  readonly master_keys: readonly string[];
  /** A key management service for the master keys instead. */
  readonly kms: { readonly url: string; readonly token: string; readonly key: string } | null;
}

export interface ProviderConfig {
  readonly api_key: string | null;
  readonly base_url: string | null;
}

/** Bad configuration: `faults` lists every fault, each with the variable, the fault and the remedy. */
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
 * @param cwd the base of a relative ONEVAULT_DATA_DIR
 * @throws ConfigError listing every fault, a misspelt variable among them
 */
export const readConfig = (env: Environment, cwd: string): Config => {
  const settings = readSettings(env, cwd);
  const { values } = settings;
  const faults = [...findMisspelt(env), ...settings.faults];
  const config: Config = {
    host: values.HOST,
    port: values.PORT,
    data_dir: values.ONEVAULT_DATA_DIR,
    database_url: values.DATABASE_URL,
    log_level: values.ONEVAULT_LOG_LEVEL,
    journal_limit_bytes: values.ONEVAULT_JOURNAL_LIMIT_BYTES,
    body_limit_bytes: values.ONEVAULT_BODY_LIMIT_BYTES,
    replay_limit_bytes: values.ONEVAULT_REPLAY_LIMIT_BYTES,
    max_calls_in_flight: values.ONEVAULT_MAX_CALLS_IN_FLIGHT,
    refused_keys_per_minute: values.ONEVAULT_REFUSED_KEYS_PER_MINUTE,
    provider_timeout_ms: values.ONEVAULT_PROVIDER_TIMEOUT_MS,
    provider_total_timeout_ms: values.ONEVAULT_PROVIDER_TOTAL_TIMEOUT_MS,
    provider_response_limit_bytes: values.ONEVAULT_PROVIDER_RESPONSE_LIMIT_BYTES,
    provider_stream_limit_bytes: values.ONEVAULT_PROVIDER_STREAM_LIMIT_BYTES,
    provider_event_limit_bytes: values.ONEVAULT_PROVIDER_EVENT_LIMIT_BYTES,
    client_timeout_ms: values.ONEVAULT_CLIENT_TIMEOUT_MS,
    realtime: {
      sessions_max: values.ONEVAULT_REALTIME_SESSIONS_MAX,
      message_max_bytes: values.ONEVAULT_REALTIME_MESSAGE_LIMIT_BYTES,
      idle_timeout_ms: values.ONEVAULT_REALTIME_IDLE_TIMEOUT_MS,
    },
    shutdown_timeout_ms: values.ONEVAULT_SHUTDOWN_TIMEOUT_MS,
    retention_days: values.ONEVAULT_RETENTION_DAYS,
    keys: keysOf(settings, faults),
    witness_keys: values.ONEVAULT_WITNESS_KEYS,
    // In the spelling of URLs, whose hosts are compared with these.
    allowed_upstream_hosts: values.ONEVAULT_ALLOWED_UPSTREAM_HOSTS.map((host) => host.toLowerCase()),
    providers: {
      openai: { api_key: values.OPENAI_API_KEY, base_url: values.OPENAI_BASE_URL },
      anthropic: { api_key: values.ANTHROPIC_API_KEY, base_url: values.ANTHROPIC_BASE_URL },
      google: { api_key: values.GEMINI_API_KEY, base_url: values.GOOGLE_BASE_URL },
    },
    compatible_providers: familyOf(settings, faults),
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return deepFreeze(config);
};

const deepFreeze = <T extends object>(value: T): T => {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
};

const familyOf = (
  { family_values, isSet }: SettingValues,
  faults: string[],
): Readonly<Record<string, ProviderConfig>> => {
  const configs: Record<string, ProviderConfig> = {};
  for (const { provider, base_url } of COMPATIBLE_PROVIDERS) {
    const names = variablesOf(provider);
    if (isSet(names.api_key) && !isSet(names.base_url) && base_url === null) {
      faults.push(`${names.base_url}: is needed with ${names.api_key}`);
    }
    configs[provider] = {
      api_key: family_values[names.api_key] ?? null,
      base_url: family_values[names.base_url] ?? null,
    };
  }
  return configs;
};

/** No fault contains a part of a key or a token. */
const keysOf = ({ values, isSet }: SettingValues, faults: string[]): KeysConfig => {
  const given = values.ONEVAULT_MASTER_KEY?.split(',') ?? [];
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
  const [has_url, has_token] = [isSet('ONEVAULT_KMS_URL'), isSet('ONEVAULT_KMS_TOKEN')];
  if (has_url && !has_token) faults.push('ONEVAULT_KMS_TOKEN: is needed with ONEVAULT_KMS_URL');
  if (!has_url && has_token) faults.push('ONEVAULT_KMS_URL: is needed with ONEVAULT_KMS_TOKEN');
  const { ONEVAULT_KMS_URL: url, ONEVAULT_KMS_TOKEN: token, ONEVAULT_KMS_KEY: key } = values;
  return { master_keys, kms: url === null || token === null ? null : { url, token, key } };
};
