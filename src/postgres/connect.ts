import postgres from 'postgres';
import type { Log } from '../core/log.ts';

/**
 * A pool of connections, or a transaction, that converts values to the product's types: bigint to number (RangeError
 * if it is not a safe integer), numeric to text, timestamptz to ISO 8601 text in UTC with three to six decimals, date
 * and timestamp to PostgreSQL's text, bytea to lower-case hex, json to its parsed value.
 */
// biome-ignore lint/complexity/noBannedTypes: the driver's own spelling of "no parameter types of ours"
export type Sql = postgres.Sql<{}>;

export interface ConnectOptions {
  /** Name in pg_stat_activity: the role of the process, as `loader`. */
  readonly application_name?: string;
  /** Upper bound of open connections. */
  readonly max_connections?: number;
  /** Idle time after which a connection is closed; 0 keeps it open. */
  readonly idle_timeout_s?: number;
  readonly connect_timeout_s?: number;
  /** Time after which PostgreSQL cancels a statement; 0 means never. */
  readonly statement_timeout_ms?: number;
  /** PostgreSQL role of the sessions; by default the user of the URL. */
  readonly role?: string | null;
  /** Log for PostgreSQL's notices (level debug); without it they are dropped. */
  readonly log?: Log;
}

const DEFAULTS = {
  application_name: 'onevault',
  // Two cores gain nothing from more connections, and the server's 100 are shared by all roles.
  max_connections: 10,
  idle_timeout_s: 60,
  connect_timeout_s: 10,
  // Longer than any statement of an interactive request; jobs that need more set their own.
  statement_timeout_ms: 60_000,
} as const;

// An open transaction holds locks and blocks vacuum, so PostgreSQL ends it.
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
// The driver's own back-off grows to 20 s, and everything would wait that long after PostgreSQL is available again.
const MAX_RECONNECT_DELAY_S = 1;

/**
 * A pool of connections to the database at `url` (`postgres://user:password@host:port/database`). Connections open
 * with the first statement; `sql.end()` closes them.
 */
export const connect = (url: string, options: ConnectOptions = {}): Sql => {
  const chosen = { ...DEFAULTS, ...options };
  return postgres(url, {
    max: chosen.max_connections,
    idle_timeout: chosen.idle_timeout_s === 0 ? undefined : chosen.idle_timeout_s,
    connect_timeout: chosen.connect_timeout_s,
    backoff: (attempt) => Math.min(2 ** attempt * 0.01, MAX_RECONNECT_DELAY_S),
    onnotice: (notice) => chosen.log?.debug({ notice: notice.message }, 'postgres notice'),
    types: TYPES,
    connection: {
      application_name: chosen.application_name,
      statement_timeout: chosen.statement_timeout_ms,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      // The parsers below depend on these two settings.
      TimeZone: 'UTC',
      DateStyle: 'ISO',
      ...(chosen.role == null ? {} : { role: chosen.role }),
    },
  }) as unknown as Sql;
};

const asText = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value));

/** A bigint of PostgreSQL as a number. @throws RangeError past 2^53 - 1 */
const parseBigint = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint of the database exceeds 2^53 - 1: ${text}`);
  return value;
};

/** `2026-11-21 10:00:00.5+00` as `2026-11-21T10:00:00.500Z`. */
const parseTimestamptz = (text: string): string => {
  if (!text.endsWith('+00')) {
    if (text === 'infinity' || text === '-infinity') return text;
    throw new RangeError(`not an instant in UTC and AD: ${text} (check that the session sets TimeZone to UTC)`);
  }
  const instant = `${text.slice(0, -3).replace(' ', 'T')}`;
  const dot = instant.indexOf('.');
  return dot === -1 ? `${instant}.000Z` : `${instant.padEnd(dot + 4, '0')}Z`;
};

const HEX = /^(?:[0-9a-fA-F]{2})*$/;

/** Bytes, or their hex, in PostgreSQL's notation. @throws TypeError if a text is not hex */
const serializeBytea = (value: Uint8Array | string): string => {
  if (typeof value !== 'string') return `\\x${Buffer.from(value).toString('hex')}`;
  const hex = value.startsWith('\\x') ? value.slice(2) : value;
  if (!HEX.test(hex)) throw new TypeError('a bytea parameter must be bytes or a hex text');
  return `\\x${hex}`;
};

// Numbers are the object ids of PostgreSQL's types (src/include/catalog/pg_type.dat).
const TYPES = {
  bigint: { to: 20, from: [20], serialize: String, parse: parseBigint },
  timestamptz: { to: 1184, from: [1184], serialize: asText, parse: parseTimestamptz },
  timestamp: { to: 1114, from: [1114], serialize: asText, parse: (text: string) => text },
  date: { to: 1082, from: [1082], serialize: asText, parse: (text: string) => text },
  bytea: { to: 17, from: [17], serialize: serializeBytea, parse: (text: string) => text.slice(2) },
};

const CONNECTION_CODES: ReadonlySet<string> = new Set([
  // the driver's (postgres.js, README "Errors")
  ...['CONNECTION_CLOSED', 'CONNECT_TIMEOUT'],
  // the operating system's
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  // PostgreSQL's: shut down by an operator, a crash, starting up, no connection left
  ...['57P01', '57P02', '57P03', '53300'],
]);

/**
 * True if the database could not be reached or closed the connection, so that the same statement may succeed later;
 * false after our own `end`. Class 08 and the codes above: PostgreSQL's manual, appendix A.
 */
export const isConnectionError = (error: unknown): boolean => {
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && (CONNECTION_CODES.has(code) || /^08[0-9A-Z]{3}$/.test(code));
};
