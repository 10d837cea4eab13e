import postgres from 'postgres';
import type { Log } from '../core/log.ts';

/**
 * A pool of connections, or a transaction of one, with values as the product writes them. What comes back:
 * bigint as number (RangeError when it is not a safe integer), numeric as text, timestamptz as ISO 8601 text in UTC
 * with three to six decimals, date and timestamp as PostgreSQL's text, bytea as lower-case hex, json parsed.
 */
// biome-ignore lint/complexity/noBannedTypes: the driver's own spelling of "no parameter types of ours"
export type Sql = postgres.Sql<{}>;

export interface ConnectOptions {
  /** How PostgreSQL lists us in pg_stat_activity: the role, as `loader`. */
  readonly application_name?: string;
  /** Upper bound of open connections. */
  readonly max_connections?: number;
  /** After how long without work a connection is closed; 0 keeps it. */
  readonly idle_timeout_s?: number;
  readonly connect_timeout_s?: number;
  /** After how long PostgreSQL cancels a statement; 0 never. */
  readonly statement_timeout_ms?: number;
  /** Which role of PostgreSQL the sessions take on; without it they are the user of the URL. */
  readonly role?: string | null;
  /** Where PostgreSQL's notices go (debug); without it they are dropped. */
  readonly log?: Log;
}

const DEFAULTS = {
  application_name: 'onevault',
  // Two cores gain nothing from more, and the server's 100 must serve every role.
  max_connections: 10,
  idle_timeout_s: 60,
  connect_timeout_s: 10,
  // Longer than any statement that serves a person; jobs that need more say so.
  statement_timeout_ms: 60_000,
} as const;

// A transaction left open holds locks and keeps vacuum from cleaning: PostgreSQL ends it.
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
// The driver's own back-off grows to 20 s, which is as long as everything waits after PostgreSQL is back.
const MAX_RECONNECT_DELAY_S = 1;

/**
 * A pool of connections to the database at `url` (`postgres://user:password@host:port/database`). Connections open
 * with the first statement; `sql.end()` closes them. A connection that is lost in the middle of a result leaves as many
 * holes at the head of its next result as rows had arrived (driver 3.4.9 keeps its row counter): after a connection
 * error, whoever relies on a result's positions should `end` the pool and connect anew.
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
      // The parsers below rely on these two.
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
  if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint of the database is past 2^53 - 1: ${text}`);
  return value;
};

/** `2026-11-21 10:00:00.5+00` as `2026-11-21T10:00:00.500Z`. */
const parseTimestamptz = (text: string): string => {
  if (!text.endsWith('+00')) {
    if (text === 'infinity' || text === '-infinity') return text;
    throw new RangeError(`not an instant in UTC and our era: ${text} (does the session set TimeZone?)`);
  }
  const instant = `${text.slice(0, -3).replace(' ', 'T')}`;
  const dot = instant.indexOf('.');
  return dot === -1 ? `${instant}.000Z` : `${instant.padEnd(dot + 4, '0')}Z`;
};

const HEX = /^(?:[0-9a-fA-F]{2})*$/;

/** Bytes, or their hex, in PostgreSQL's notation. @throws TypeError when a text is not hex */
const serializeBytea = (value: Uint8Array | string): string => {
  if (typeof value !== 'string') return `\\x${Buffer.from(value).toString('hex')}`;
  const hex = value.startsWith('\\x') ? value.slice(2) : value;
  if (!HEX.test(hex)) throw new TypeError('a bytea parameter is neither bytes nor hex');
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
 * Whether an error says that the database could not be reached or went away, so that the same statement may succeed
 * later; not when we ended the pool ourselves. After PostgreSQL ended a connection in the middle of a statement, the
 * driver (3.4) gives that error to the first statement on the new connection too, unsent: retry more than once. Class 08 and the codes above: PostgreSQL's manual, appendix A.
 */
export const isConnectionError = (error: unknown): boolean => {
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && (CONNECTION_CODES.has(code) || /^08[0-9A-Z]{3}$/.test(code));
};
