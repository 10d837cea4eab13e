import { OneVaultError } from '../../core/errors.ts';
import type { UpstreamHeaders } from '../contract.ts';
import { malformed } from '../json.ts';

/** True if a response is compressed. The gateway requests none, because a few kilobytes could expand to gigabytes. */
export const isCompressed = (headers: UpstreamHeaders): boolean => {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && encoding !== 'identity';
};

/** @throws OneVaultError provider_malformed if the actual or declared size of a body exceeds the limit */
export const checkLength = (bytes: number, max_bytes: number): void => {
  if (bytes > max_bytes) throw tooLarge('response', max_bytes);
};

// Simple model servers send events with no content type, or with a generic one.
const STREAM_TYPE = /^(?:text\/event-stream|text\/plain|application\/octet-stream)\b/i;
const SHOWN_MAX_CHARS = 80;

/** True if the content type of a body is a stream of events. */
export const isEventStream = (headers: UpstreamHeaders): boolean =>
  /^\s*text\/event-stream\b/i.test(String(headers['content-type'] ?? ''));

/** @throws OneVaultError provider_malformed if a body cannot be a stream of events */
export const checkStreamType = (headers: UpstreamHeaders): void => {
  const type = String(headers['content-type'] ?? '').trim();
  if (type === '' || STREAM_TYPE.test(type)) return;
  const shown = type.replace(/[^\w\-+./;=, ]/g, '?').slice(0, SHOWN_MAX_CHARS);
  throw malformed(`a stream was requested, but the content type is ${shown}`);
};

/** The error for a body that exceeds a limit. */
export const tooLarge = (what: 'response' | 'stream', limit_bytes: number): OneVaultError =>
  new OneVaultError('provider_malformed', { details: `The ${what} is larger than ${limit_bytes} bytes.` });
