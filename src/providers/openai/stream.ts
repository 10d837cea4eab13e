import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { ChatStream, JsonObject, SseEvent, StreamOptions, Usage } from '../contract.ts';
import { isObject, malformed, parseReply } from '../json.ts';
import { refusalError } from '../reply-error.ts';
import { createTextLog } from '../text-log.ts';
import { usageOf } from './usage.ts';

// A frame is parsed only when it can hold one of these. Inside a JSON text the quotes are escaped, so words
// that a model writes cannot match.
const WORTH_READING = /"(?:usage"\s*:\s*\{|finish_reason"\s*:\s*"|error"\s*:)/;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A stream that already is in the pivot form: each frame passes as it came. */
export const createOpenAiStream =
  (clock: Clock) =>
  ({ include_usage }: StreamOptions): ChatStream => {
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

    const push = ({ data }: SseEvent): readonly string[] => {
      if (finished) return [];
      if (data === '[DONE]') {
        finished = true;
        return [];
      }
      const frame = data.includes('\n') ? data.replaceAll('\n', ' ') : data;
      if (WORTH_READING.test(frame)) {
        if (!read(parseReply(frame))) return [];
      } else if (!looksLikeObject(frame)) {
        throw malformed('a frame is not a JSON object');
      }
      log.add(frame);
      return [frame];
    };

    return {
      push,
      end: () => {
        // Some compatible servers never write [DONE]: a finish reason is as good.
        if (!finished && !stopped) throw new OneVaultError('provider_disconnected');
        finished = true;
      },
      get finished() {
        return finished;
      },
      get usage() {
        return usage;
      },
      text: log.text,
    };
  };

const looksLikeObject = (frame: string): boolean =>
  frame.charCodeAt(0) === OPEN_BRACE && frame.charCodeAt(frame.length - 1) === CLOSE_BRACE;

const errorOfFrame = (error: unknown, clock: Clock): OneVaultError => {
  const given = isObject(error) ? error : { message: error };
  const status = Number(given.status ?? given.code);
  return refusalError(
    {
      status: Number.isInteger(status) && status >= 400 && status < 600 ? status : 500,
      headers: {},
      message: typeof given.message === 'string' ? given.message : '',
    },
    null,
    clock,
  );
};

/** All that a chunk adds to the reply, of whatever kind: a frame that cannot be read adds nothing. */
const textOfFrame = (frame: string): string => {
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch {
    return '';
  }
  const choices = isObject(json) && Array.isArray(json.choices) ? (json.choices as unknown[]) : [];
  return choices.map((choice) => (isObject(choice) ? textOfDelta(choice.delta) : '')).join('');
};

const textOfDelta = (delta: unknown): string => {
  if (!isObject(delta)) return '';
  let text = '';
  for (const field of ['reasoning_content', 'reasoning', 'content', 'refusal']) {
    const value = delta[field];
    if (typeof value === 'string') text += value;
  }
  const calls = Array.isArray(delta.tool_calls) ? (delta.tool_calls as unknown[]) : [];
  for (const call of calls) {
    const called = isObject(call) ? call.function : undefined;
    if (!isObject(called)) continue;
    if (typeof called.name === 'string') text += called.name;
    if (typeof called.arguments === 'string') text += called.arguments;
  }
  return text;
};
