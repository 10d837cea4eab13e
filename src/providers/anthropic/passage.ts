import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { JsonObject } from '../chat-form.ts';
import type { Passage, PassedStream } from '../contract.ts';
import { isObject, malformed, parseReply } from '../json.ts';
import { passedBody } from '../passed-body.ts';
import { sseText } from '../sse-text.ts';
import { createTextLog } from '../text-log.ts';
import { inputTokens } from './count-tokens.ts';
import { errorOfEvent } from './event-error.ts';
import { usageOf } from './usage.ts';
import { createUsageTally } from './usage-tally.ts';
import { post } from './wire.ts';

// What the cost of a call hangs on: see `passedBody`.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'stream',
  'tools',
]);

/** Messages as they came and as they come. */
export const createMessagesPassage = (clock: Clock): Passage => ({
  request: (body, target, headers) =>
    post('/v1/messages', passedBody(body, target.model, ACCOUNTED), target, headers),
  response: (text) => {
    const { content, usage } = parseReply(text);
    if (!Array.isArray(content)) throw malformed('content is not a list');
    const written = (): string => (content as unknown[]).map(textOfBlock).join('');
    return { result: written, usage: isObject(usage) ? usageOf(usage) : null };
  },
  stream: () => createPassedStream(clock),
});

/** Counts of tokens as they came and as they come. */
export const createCountPassage = (): Passage => ({
  request: (body, target, headers) =>
    post('/v1/messages/count_tokens', passedBody(body, target.model, ACCOUNTED), target, headers),
  response: (text) => {
    inputTokens(text);
    return { result: () => '', usage: null };
  },
  stream: null,
});

// A frame is parsed only when it can be one of these: the deltas, which are nearly all, are not. Inside a JSON
// text the quotes are escaped, so words that a model writes cannot match.
const WORTH_READING = /"type"\s*:\s*"(?:message_start|message_delta|message_stop|error)"/;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const createPassedStream = (clock: Clock): PassedStream => {
  const log = createTextLog(textOfFrame);
  const tally = createUsageTally();
  let started = false;
  let last: string | null = null;

  /** Reads what the gateway needs of an event. */
  const read = (event: JsonObject): void => {
    if (event.type === 'error') throw errorOfEvent(event.error, clock);
    if (event.type === 'message_start') {
      if (!isObject(event.message)) throw malformed('message_start has no message');
      started = true;
      tally.add(event.message.usage);
    } else if (event.type === 'message_delta') {
      tally.add(event.usage);
    }
  };

  return {
    push: (event) => {
      if (last !== null) return '';
      const { data } = event;
      if (WORTH_READING.test(data)) {
        const json = parseReply(data);
        read(json);
        if (json.type === 'message_stop') {
          if (!started) throw malformed('message_stop came before message_start');
          last = sseText(event);
          return '';
        }
      } else if (data.charCodeAt(0) !== OPEN_BRACE || data.charCodeAt(data.length - 1) !== CLOSE_BRACE) {
        throw malformed('a frame is not a JSON object');
      } else {
        log.add(data);
      }
      return sseText(event);
    },
    end: () => {
      if (last === null) throw new OneVaultError('provider_disconnected');
    },
    last: () => last ?? '',
    get usage() {
      return tally.usage;
    },
    text: log.text,
  };
};

/** All that an event adds to the message: one that cannot be read adds nothing. */
const textOfFrame = (frame: string): string => {
  try {
    const json: unknown = JSON.parse(frame);
    return isObject(json) ? textOfBlock(json.delta) + textOfBlock(json.content_block) : '';
  } catch {
    return '';
  }
};

const textOfBlock = (block: unknown): string => {
  if (!isObject(block)) return '';
  let text = '';
  for (const field of ['thinking', 'text', 'partial_json', 'name']) {
    const value = block[field];
    if (typeof value === 'string') text += value;
  }
  if (isObject(block.input) && Object.keys(block.input).length > 0) text += JSON.stringify(block.input);
  return text;
};
