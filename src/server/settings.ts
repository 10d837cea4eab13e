import { COMPATIBLE_PROVIDERS, variablesOf } from '../providers/compatible-providers.ts';

interface Described {
  /** One phrase, without default and range. */
  readonly help: string;
  /** True if faults and logs must not show its value. */
  readonly is_secret?: boolean;
  /** Text for the default value, if it is not fixed. */
  readonly unset?: string;
}

export interface TextSetting extends Described {
  readonly type: 'text';
  readonly default: string | null;
  /** The required form of a value, for machines and in words. */
  readonly form?: { readonly pattern: RegExp; readonly words: string };
}

export interface IntegerSetting extends Described {
  readonly type: 'integer';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: 'bytes' | 'ms' | 'days' | null;
  /** The purpose of 0, if it is allowed below `min`: "to …". */
  readonly zero?: string;
}

export interface UrlSetting extends Described {
  readonly type: 'url';
  readonly default: null;
  /** As `https:`. */
  readonly protocols: readonly string[];
}

interface ChoiceSetting extends Described {
  readonly type: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}

/** A relative one starts at the working directory. */
interface FolderSetting extends Described {
  readonly type: 'folder';
  readonly default: string;
}

/** Items with commas between. */
interface ListSetting extends Described {
  readonly type: 'list';
  readonly default: null;
  readonly isItem: (text: string) => boolean;
  /** The form of an item, in words. */
  readonly item: string;
}

/** An environment variable: its form, its bounds, and its meaning. */
export type Setting = TextSetting | IntegerSetting | UrlSetting | ChoiceSetting | FolderSetting | ListSetting;

type Settings = Readonly<Record<string, Setting>>;

const [KIB, MIB, GIB] = [2 ** 10, 2 ** 20, 2 ** 30];
const HTTP = ['http:', 'https:'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const KMS_KEY = /^(?:[\w.-]+\/)*[\w.-]+$/;
// C2SP signed notes: <name>+<hash of the key>+<key type and key>.
const VERIFIER_KEY = /^[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/;

/** True if URLs spell the host like this. Another spelling would never match, without an error. */
const isUrlHost = (text: string): boolean => {
  const host = text.toLowerCase();
  const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : null;
  // A star is a plain letter in URLs and would match nothing else.
  return url?.host === host && url.username === '' && !/\.$|\*/.test(host);
};

const secret = (help: string) => ({ type: 'text', default: null, is_secret: true, help }) as const;

const address = (help: string) => ({ type: 'url', default: null, protocols: HTTP, help }) as const;

const integer =
  (unit: IntegerSetting['unit']) =>
  (value: number, [min, max]: readonly [min: number, max: number], help: string): IntegerSetting => ({
    type: 'integer',
    default: value,
    min,
    max,
    unit,
    help,
  });
const [count, bytes, ms] = [integer(null), integer('bytes'), integer('ms')];

const PLACE = {
  HOST: { type: 'text', default: '127.0.0.1', help: 'address to listen on' },
  PORT: count(8080, [0, 65_535], 'port to listen on; 0 takes a free one'),
  DATABASE_URL: {
    type: 'url',
    default: null,
    protocols: ['postgres:', 'postgresql:'],
    is_secret: true,
    help: 'PostgreSQL 15 or newer to use instead of the embedded one',
  },
  ONEVAULT_DATA_DIR: {
    type: 'folder',
    default: '.onevault',
    help: 'folder of the journal and the embedded database',
  },
  ONEVAULT_LOG_LEVEL: { type: 'choice', default: 'info', choices: LOG_LEVELS, help: 'least level that is logged' },
} as const satisfies Settings;

const PROVIDERS = {
  OPENAI_API_KEY: secret("key of OpenAI's service, to use it instead of the sandbox"),
  OPENAI_BASE_URL: address("another server that speaks OpenAI's protocol"),
  ANTHROPIC_API_KEY: secret("key of Anthropic's service, to use it instead of the sandbox"),
  ANTHROPIC_BASE_URL: address("another server that speaks Anthropic's protocol"),
  GEMINI_API_KEY: secret("key of Google's service, to use it instead of the sandbox"),
  GOOGLE_BASE_URL: address("another server that speaks Google's protocol"),
  ONEVAULT_ALLOWED_UPSTREAM_HOSTS: {
    type: 'list',
    default: null,
    isItem: isUrlHost,
    item: 'a host as URLs have it, with its port or without: vllm.corp.example:8000, 10.0.0.5, [fd00::5]',
    help: "internal hosts, or hosts with plain http, that customers' own base URLs may name",
  },
} as const satisfies Settings;

const KEYS = {
  ONEVAULT_MASTER_KEY: secret(
    'master keys of 32 bytes in hex or base64, newest first, with commas between, instead of the file in the data folder',
  ),
  ONEVAULT_KMS_URL: address("service that keeps the master keys instead and speaks HashiCorp Vault's Transit API"),
  ONEVAULT_KMS_TOKEN: secret('token for that service'),
  ONEVAULT_KMS_KEY: {
    type: 'text',
    default: 'onevault',
    form: { pattern: KMS_KEY, words: 'a name, or mount/name, of letters, digits, "_", "-" and "."' },
    help: 'name of the key in Transit, after its mount and a slash if the mount is not transit',
  },
  ONEVAULT_WITNESS_KEYS: {
    type: 'list',
    default: null,
    isItem: (text) => VERIFIER_KEY.test(text),
    item: '<name>+<eight hex digits>+<base64>',
    help: 'verifier keys of the witnesses of checkpoints',
  },
  ONEVAULT_RETENTION_DAYS: {
    type: 'integer',
    // Seven years, for audit records of public companies: 17 CFR 210.2-06. HIPAA asks for six: 45 CFR 164.316(b)(2)(i).
    default: 2_557,
    // Six months: Art. 19(1) and 26(6) of Regulation (EU) 2024/1689.
    min: 183,
    max: 36_500,
    unit: 'days',
    zero: 'to keep calls for ever',
    help: 'days that calls are kept, then destroyed by the day with a certificate',
  },
} as const satisfies Settings;

const LIMITS = {
  ONEVAULT_JOURNAL_LIMIT_BYTES: bytes(10 * GIB, [MIB, 2 ** 46], 'journal size beyond which calls are refused'),
  ONEVAULT_BODY_LIMIT_BYTES: bytes(32 * MIB, [KIB, GIB], 'largest request body, 2 MiB at most for embeddings'),
  ONEVAULT_REPLAY_LIMIT_BYTES: bytes(64 * MIB, [MIB, 64 * GIB], 'memory for responses that customers let repeat'),
  ONEVAULT_MAX_CALLS_IN_FLIGHT: count(4_096, [1, 100_000], 'calls at once, beyond which calls are refused'),
  ONEVAULT_REFUSED_KEYS_PER_MINUTE: count(
    600,
    [1, 1_000_000],
    'requests without a valid key from one address a minute, beyond which they get 429',
  ),
  ONEVAULT_PROVIDER_TIMEOUT_MS: ms(120_000, [100, 3_600_000], 'longest silence of a provider'),
  ONEVAULT_PROVIDER_TOTAL_TIMEOUT_MS: ms(
    1_800_000,
    [100, 86_400_000],
    'longest time until the end of its response, even while data arrives',
  ),
  // Larger than any model's response today, images included.
  ONEVAULT_PROVIDER_RESPONSE_LIMIT_BYTES: bytes(
    64 * MIB,
    [KIB, 256 * MIB],
    'largest response of a provider that is not streamed',
  ),
  // A million tokens, each in its own frame.
  ONEVAULT_PROVIDER_STREAM_LIMIT_BYTES: bytes(256 * MIB, [KIB, 2 ** 46], 'longest stream of a provider'),
  // One frame of a streamed image is about 2 MiB of base64.
  ONEVAULT_PROVIDER_EVENT_LIMIT_BYTES: bytes(
    8 * MIB,
    [KIB, 256 * MIB],
    'largest event of a stream, which is held until it is whole',
  ),
  ONEVAULT_CLIENT_TIMEOUT_MS: ms(
    60_000,
    [100, 3_600_000],
    'longest time in which a client takes nothing of its stream',
  ),
  ONEVAULT_REALTIME_SESSIONS_MAX: count(256, [1, 100_000], 'realtime sessions that one customer may have open at once'),
  // OpenAI takes 15 MiB of sound in one event.
  ONEVAULT_REALTIME_MESSAGE_LIMIT_BYTES: bytes(
    16 * MIB,
    [KIB, 256 * MIB],
    'largest message of a realtime session, either way',
  ),
  ONEVAULT_REALTIME_IDLE_TIMEOUT_MS: ms(
    600_000,
    [100, 86_400_000],
    'longest time in which nobody says anything in a realtime session',
  ),
  ONEVAULT_SHUTDOWN_TIMEOUT_MS: ms(30_000, [100, 600_000], 'longest wait for calls under way at a stop'),
} as const satisfies Settings;

/** The two settings of each compatible provider; without them it is not available. */
export const FAMILY_SETTINGS: Readonly<Record<string, TextSetting | UrlSetting>> = Object.fromEntries(
  COMPATIBLE_PROVIDERS.flatMap(({ provider, provider_name, base_url }): [string, TextSetting | UrlSetting][] => {
    const names = variablesOf(provider);
    return [
      [names.api_key, secret(`key of ${provider_name}`)],
      [
        names.base_url,
        { ...address(`address of ${provider_name}`), ...(base_url === null ? {} : { unset: base_url }) },
      ],
    ];
  }),
);

/** Every other setting, by the name of its variable. */
export const SETTINGS = { ...PLACE, ...PROVIDERS, ...KEYS, ...LIMITS };

/** All settings under the headings of their list. */
export const SETTING_GROUPS: readonly { readonly heading: string; readonly settings: Settings }[] = [
  { heading: 'Address and storage', settings: PLACE },
  { heading: 'Providers', settings: PROVIDERS },
  { heading: 'Keys and audit log', settings: KEYS },
  { heading: 'Limits', settings: LIMITS },
  { heading: 'Compatible providers', settings: FAMILY_SETTINGS },
];
