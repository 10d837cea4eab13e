import { destination, type Logger, pino } from 'pino';

export type Log = Logger;

/**
 * The product's logger: one line of JSON an event, on standard error, because standard output is for results.
 * @param level the lowest level that is written
 * @param name the role of the process, as `gateway` or `load`
 */
export const createLog = (level: string, name: string): Log =>
  pino({ level, name, redact: REDACTED_PATHS }, destination(STANDARD_ERROR));

/** A logger that writes nothing. */
export const silentLog: Log = pino({ level: 'silent' });

const STANDARD_ERROR = 2;
const SECRETS = ['authorization', 'api_key', 'admin_key', '["x-api-key"]'];
// A path of Pino matches one level only.
const REDACTED_PATHS = SECRETS.flatMap((name) => [name, name.startsWith('[') ? `*${name}` : `*.${name}`]);
