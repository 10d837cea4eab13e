import { type Body, bodyText, plainBody } from '../../core/body.ts';
import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import type {
  ByteResponse,
  Passthrough,
  PassthroughChunks,
  PassthroughStream,
  RequestTarget,
  UpstreamHeaders,
  UpstreamRequest,
} from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { passthroughBody } from '../passthrough-body.ts';
import { createTextLog } from '../text-log.ts';
import { sseText } from '../transport/sse-text.ts';
import { errorOfFrame } from './frame-error.ts';
import { tokenUsageOf } from './token-usage.ts';

/** POSTs a body with a content type to an audio endpoint. */
export type PostAudio = (body: Body, target: RequestTarget, content_type: string) => UpstreamRequest;

/** The audio endpoints of an OpenAI-compatible API; null for a missing one. */
export interface AudioProfile {
  readonly speech: PostAudio | null;
  readonly transcriptions: PostAudio | null;
}

/** The passthroughs of the existing endpoints. */
export const audioPassthroughs = (
  { speech, transcriptions }: AudioProfile,
  clock: Clock,
): Readonly<Record<string, Passthrough>> => ({
  ...(speech === null ? {} : { 'openai-speech': createSpeech(speech, clock) }),
  ...(transcriptions === null ? {} : { 'openai-transcriptions': createTranscriptions(transcriptions, clock) }),
});

// Fields that determine the cost of a call: see `passthroughBody`.
const ACCOUNTED: ReadonlySet<string> = new Set(['model', 'input', 'instructions', 'speed', 'stream_format']);

/** Passes speech through unchanged: as audio in chunks, or as events. */
const createSpeech = (post: PostAudio, clock: Clock): Passthrough => ({
  request: (body, target) => post(passthroughBody(body, target.model, ACCOUNTED), target, 'application/json'),
  response: null,
  stream: () => createEventStream(clock, { done: 'speech.audio.done', is_audio: true }),
  bytes: { chunks: createChunks },
});

/**
 * Passes transcriptions through unchanged: complete in any format, or as events. A model that cannot stream returns a
 * complete response even if a stream was requested.
 */
const createTranscriptions = (post: PostAudio, clock: Clock): Passthrough => ({
  // The client's protocol has already replaced the model in the form.
  request: (body, target, headers) => post(plainBody(body), target, String(headers['content-type'])),
  response: null,
  stream: () => createEventStream(clock, { done: 'transcript.text.done', is_audio: false }),
  bytes: { whole: readTranscription },
});

const AUDIO_TYPE = /^(?:audio\/[\w.+-]+|application\/octet-stream)\b/i;

const createChunks = (headers: UpstreamHeaders): PassthroughChunks => {
  const content_type = typeOf(headers) || 'application/octet-stream';
  if (!AUDIO_TYPE.test(content_type)) throw malformed('the content type is not one of audio');
  let byte_count = 0;
  return {
    content_type,
    push: ({ byteLength }) => {
      byte_count += byteLength;
    },
    end: () => {
      if (byte_count === 0) throw malformed('there is no audio');
    },
    usage: null,
    text: () => '',
    get has_audio() {
      return byte_count > 0;
    },
  };
};

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;
const TEXT_TYPE = /^(?:text\/(?:plain|vtt|srt|x-srt)|application\/x-subrip)\b/i;

const readTranscription = (body: Uint8Array, headers: UpstreamHeaders): ByteResponse => {
  const content_type = typeOf(headers);
  const text = bodyText(body);
  if (!JSON_TYPE.test(content_type)) {
    // A type that a browser could execute is never passed on.
    const safe_type = TEXT_TYPE.test(content_type) ? content_type : 'text/plain; charset=utf-8';
    return { content_type: safe_type, result: () => text, usage: null };
  }
  // Some servers write the format `text` as a JSON string.
  if (text.startsWith('"')) return { content_type, result: () => text, usage: null };
  const json = parseResponse(text);
  if (typeof json.text !== 'string') throw malformed('text is not a string');
  const usage = audioUsageOf(json.usage, false);
  return { content_type, result: () => json.text as string, usage, audio_seconds: secondsOf(json) };
};

// More than 30 years: no file has it.
const MAX_SECONDS = 1e9;

/** Seconds by which a model without tokens is charged, else the duration in `verbose_json`. */
const secondsOf = ({ usage, duration }: JsonObject): number | undefined => {
  const stated = isObject(usage) && usage.type === 'duration' ? usage.seconds : duration;
  // Some servers write the duration as text.
  const seconds = typeof stated === 'string' && stated !== '' ? Number(stated) : stated;
  return typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_SECONDS ? seconds : undefined;
};

const typeOf = (headers: UpstreamHeaders): string => String(headers['content-type'] ?? '').trim();

interface EventForm {
  /** The event that completes the response. */
  readonly done: string;
  /** True if the output is audio, which the events contain in base64. */
  readonly is_audio: boolean;
}

// Base64 contains no quote, so a match is a field: an event without one needs no parsing.
const WORTH_READING = /"(?:usage|error)"\s*:|\.done"/;

const createEventStream = (clock: Clock, { done, is_audio }: EventForm): PassthroughStream => {
  const log = createTextLog((text) => text);
  let usage: Usage | null = null;
  let has_audio = false;
  // The final event, with the mark that some servers write after it.
  let held = '';
  return {
    push: (event) => {
      if (event.data === '[DONE]') {
        if (!held.endsWith(sseText(event))) held += sseText(event);
        return '';
      }
      if (held !== '') return '';
      if (is_audio && !WORTH_READING.test(event.data)) {
        has_audio = true;
        return sseText(event);
      }
      const frame = parseResponse(event.data);
      if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
      if (frame.type !== done) {
        if (typeof frame.delta === 'string') log.add(frame.delta);
        return sseText(event);
      }
      usage = audioUsageOf(frame.usage, is_audio);
      held = sseText(event);
      return '';
    },
    end: () => {
      if (held === '') throw new OneVaultError('provider_disconnected');
    },
    last: () => held,
    get usage() {
      return usage;
    },
    text: log.text,
    get has_audio() {
      return has_audio;
    },
  };
};

/**
 * Usage of audio in tokens; null if the provider reported none, or only the seconds of a model without tokens.
 * @param is_audio true if the output is audio
 * @throws OneVaultError provider_malformed
 */
const audioUsageOf = (json: unknown, is_audio: boolean): Usage | null => {
  if (isObject(json) && json.type === 'duration') return null;
  const usage = tokenUsageOf(withInputDetails(json));
  return usage === null || !is_audio ? usage : { ...usage, completion_audio_tokens: usage.completion_tokens };
};

/** OpenAI's audio endpoints write `input_token_details` where the others write `input_tokens_details`. */
const withInputDetails = (json: unknown): unknown =>
  isObject(json) && isObject(json.input_token_details)
    ? ({ ...json, input_tokens_details: json.input_token_details } satisfies JsonObject)
    : json;
