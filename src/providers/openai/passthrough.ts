import { bodyText } from '../../core/body.ts';
import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { textOfChoices } from '../chat-text.ts';
import type { Passthrough, PassthroughStream, StreamOptions } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { adaptedText, bodyFields, dropField, fieldsOf, setField } from '../json-text.ts';
import { passthroughBody } from '../passthrough-body.ts';
import { createTextLog } from '../text-log.ts';
import { sseText, sseTextWith } from '../transport/sse-text.ts';
import { type ChatProfile, unadapted } from './compatibility-profile.ts';
import { errorOfFrame } from './frame-error.ts';
import { createChatResponse } from './response.ts';

// Fields that determine the cost of a call: see `passthroughBody`.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'stream',
  'stream_options',
  'tools',
  'web_search_options',
  'service_tier',
]);

/** Passes chat completions through unchanged in both directions. */
export const createChatPassthrough = (profile: ChatProfile, clock: Clock): Passthrough => {
  const read = createChatResponse(profile, clock);
  return {
    request: (body, target, _headers, unsupported) => {
      const forwarded = passthroughBody(body, target.model, ACCOUNTED);
      // The fields of a body that stays unchanged are known.
      const fields = forwarded === bodyText(body) ? bodyFields(body) : undefined;
      const requested = target.stream && profile.requests_usage ? requestUsage(forwarded, fields) : forwarded;
      if (profile.adapt === unadapted) return profile.post(requested, target);
      return profile.post(
        adaptedText(requested, (given) => profile.adapt(given, unsupported)),
        target,
      );
    },
    response: (text) => {
      const { result, usage } = read(text);
      return { result: () => textOfChoices(result.choices, 'message'), usage };
    },
    stream: createPassthroughStream(profile, clock),
  };
};

const USAGE_REQUESTED = '{"include_usage":true}';

const requestUsage = (body: string, fields = fieldsOf(body)): string => {
  const field = fields.find(({ name }) => name === 'stream_options');
  const given = field === undefined ? 'null' : body.slice(field.from, field.to);
  if (!given.startsWith('{')) return setField(body, 'stream_options', USAGE_REQUESTED, fields);
  return setField(body, 'stream_options', setField(given, 'include_usage', 'true'), fields);
};

const NO_USAGE_YET = ',"usage":null}';
const NO_USAGE_BEFORE_PADDING = /,"usage":null(?=,"obfuscation":"[^"\\]*"\}$)/;

const createPassthroughStream =
  (profile: ChatProfile, clock: Clock) =>
  ({ include_usage }: StreamOptions): PassthroughStream => {
    const log = createTextLog((text) => text);
    let last: string | null = null;
    let stopped = false;
    let usage: Usage | null = null;

    /** Reads the fields of a frame that the gateway needs. @returns false if the frame is not for the client */
    const read = (frame: JsonObject): boolean => {
      if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
      const choices = frame.choices ?? [];
      if (!Array.isArray(choices)) throw malformed('choices is not a list');
      usage = profile.usage(frame) ?? usage;
      const given: unknown[] = choices;
      if (given.some((choice) => isObject(choice) && typeof choice.finish_reason === 'string')) stopped = true;
      log.add(textOfChoices(profile.choices(given, 'delta'), 'delta'));
      const usage_only = given.length === 0 && isObject(frame.usage);
      return include_usage || !usage_only;
    };

    return {
      push: (event) => {
        if (last !== null) return '';
        const { data } = event;
        if (data === '[DONE]') {
          last = sseText(event);
          return '';
        }
        const frame = parseResponse(data);
        if (!read(frame)) return '';
        return include_usage || frame.usage !== null ? sseText(event) : sseTextWith(event, withoutEmptyUsage(data));
      },
      end: () => {
        // Some compatible servers never send [DONE], so a finish reason is enough.
        if (last === null && !stopped) throw new OneVaultError('provider_disconnected');
      },
      get is_over() {
        return last !== null;
      },
      last: () => last ?? 'data: [DONE]\n\n',
      get usage() {
        return usage;
      },
      text: log.text,
    };
  };

/** A frame without the `"usage":null` that every frame has because the gateway requested usage. */
const withoutEmptyUsage = (frame: string): string => {
  if (frame.endsWith(NO_USAGE_YET)) return `${frame.slice(0, -NO_USAGE_YET.length)}}`;
  if (NO_USAGE_BEFORE_PADDING.test(frame)) return frame.replace(NO_USAGE_BEFORE_PADDING, '');
  return dropField(frame, 'usage');
};
