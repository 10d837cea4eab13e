import { OneVaultError } from '../../core/errors.ts';
import type { UpstreamHeaders } from '../contract.ts';
import { malformed } from '../json.ts';

/** Whether a reply is compressed. We ask for none that is: a few kilobytes could hold gigabytes. */
export const isCompressed = (headers: UpstreamHeaders): boolean => {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && encoding !== 'identity';
};

/** @throws OneVaultError provider_malformed when a body is, or says that it is, larger than the limit */
export const checkLength = (bytes: number, max_bytes: number): void => {
  if (bytes > max_bytes) throw tooLarge('reply', max_bytes);
};

// Plain servers of models send events under no type or under one that says nothing.
const STREAM_TYPE = /^(?:text\/event-stream|text\/plain|application\/octet-stream)\b/i;
const SHOWN_MAX_CHARS = 80;

/** Whether a body is a stream of events by its own word. */
export const isEventStream = (headers: UpstreamHeaders): boolean =>
  /^\s*text\/event-stream\b/i.test(String(headers['content-type'] ?? ''));

/** @throws OneVaultError provider_malformed when a body cannot be a stream of events */
export const checkStreamType = (headers: UpstreamHeaders): void => {
  const type = String(headers['content-type'] ?? '').trim();
  if (type === '' || STREAM_TYPE.test(type)) return;
  const shown = type.replace(/[^\w\-+./;=, ]/g, '?').slice(0, SHOWN_MAX_CHARS);
  throw malformed(`a stream was asked for and ${shown} came`);
};

/** The error for what passes a limit. */
export const tooLarge = (what: 'reply' | 'stream', limit_bytes: number): OneVaultError =>
  new OneVaultError('provider_malformed', { details: `The ${what} is larger than ${limit_bytes} bytes.` });
