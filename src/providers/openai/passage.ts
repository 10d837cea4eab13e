import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { JsonObject, Usage } from '../chat-form.ts';
import { textOfChoices } from '../chat-text.ts';
import type { Passage, PassedStream, StreamOptions } from '../contract.ts';
import { isObject, malformed, parseReply } from '../json.ts';
import { dropField, fieldsOf, setField } from '../json-text.ts';
import { passedBody } from '../passed-body.ts';
import { sseText } from '../sse-text.ts';
import { createTextLog } from '../text-log.ts';
import { errorOfFrame } from './frame-error.ts';
import { post } from './request.ts';
import { chatResponse } from './response.ts';
import { usageOf } from './usage.ts';

// What the cost of a call hangs on: see `passedBody`.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'stream',
  'stream_options',
  'tools',
]);

/** Chat completions as they came and as they come. */
export const createChatPassage = (clock: Clock): Passage => ({
  request: (body, target) => {
    const passed = passedBody(body, target.model, ACCOUNTED);
    return post('/chat/completions', target.stream ? askForUsage(passed) : passed, target);
  },
  response: (text) => {
    const { result, usage } = chatResponse(text);
    return { result: () => textOfChoices(result.choices, 'message'), usage };
  },
  stream: createPassedStream(clock),
});

const USAGE_ASKED = '{"include_usage":true}';

const askForUsage = (body: string): string => {
  const fields = fieldsOf(body);
  const field = fields.find(({ name }) => name === 'stream_options');
  const given = field === undefined ? 'null' : body.slice(field.from, field.to);
  if (!given.startsWith('{')) return setField(body, 'stream_options', USAGE_ASKED, fields);
  return setField(body, 'stream_options', setField(given, 'include_usage', 'true'), fields);
};

// A frame is parsed only when it can hold one of these. Inside a JSON text the quotes are escaped, so words
// that a model writes cannot match.
const WORTH_READING = /"(?:usage"\s*:\s*\{|finish_reason"\s*:\s*"|error"\s*:)/;
const NO_USAGE_YET = ',"usage":null}';
const NO_USAGE_BEFORE_PADDING = /,"usage":null(?=,"obfuscation":"[^"\\]*"\}$)/;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const createPassedStream =
  (clock: Clock) =>
  ({ include_usage }: StreamOptions): PassedStream => {
    const log = createTextLog(textOfFrame);
    let finished = false;
    let stopped = false;
    let usage: Usage | null = null;

    /** Reads what the gateway needs of a frame; false when the frame is not for the client. */
    const read = (frame: JsonObject): boolean => {
      if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
      const choices = frame.choices;
      if (choices !== undefined && !Array.isArray(choices)) throw malformed('choices is not a list');
      usage = usageOf(frame.usage) ?? usage;
      const given: unknown[] = choices ?? [];
      if (given.some((choice) => isObject(choice) && typeof choice.finish_reason === 'string'))
        stopped = true;
      const usage_only = given.length === 0 && isObject(frame.usage);
      return include_usage || !usage_only;
    };

    return {
      push: ({ event, data }) => {
        if (finished) return '';
        if (data === '[DONE]') {
          finished = true;
          return '';
        }
        if (WORTH_READING.test(data)) {
          if (!read(parseReply(data))) return '';
        } else if (!looksLikeObject(data)) {
          throw malformed('a frame is not a JSON object');
        }
        log.add(data);
        return sseText({ event, data: include_usage ? data : withoutEmptyUsage(data) });
      },
      end: () => {
        // Some compatible servers never write [DONE]: a finish reason is as good.
        if (!finished && !stopped) throw new OneVaultError('provider_disconnected');
      },
      last: () => 'data: [DONE]\n\n',
      get usage() {
        return usage;
      },
      text: log.text,
    };
  };

const looksLikeObject = (frame: string): boolean =>
  frame.charCodeAt(0) === OPEN_BRACE && frame.charCodeAt(frame.length - 1) === CLOSE_BRACE;

/** A frame without the `"usage":null` that stands in each because we asked for usage. */
const withoutEmptyUsage = (frame: string): string => {
  if (frame.endsWith(NO_USAGE_YET)) return `${frame.slice(0, -NO_USAGE_YET.length)}}`;
  if (!frame.includes('"usage"')) return frame;
  if (NO_USAGE_BEFORE_PADDING.test(frame)) return frame.replace(NO_USAGE_BEFORE_PADDING, '');
  return parseReply(frame).usage === null ? dropField(frame, 'usage') : frame;
};

/** All that a chunk adds to the reply: a frame that cannot be read adds nothing. */
const textOfFrame = (frame: string): string => {
  try {
    const json: unknown = JSON.parse(frame);
    return isObject(json) ? textOfChoices(json.choices, 'delta') : '';
  } catch {
    return '';
  }
};
