import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { JsonObject } from '../chat-form.ts';
import type { Passthrough, PassthroughStream } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { passthroughBody } from '../passthrough-body.ts';
import { createTextLog } from '../text-log.ts';
import { sseText } from '../transport/sse-text.ts';
import { inputTokens } from './count-tokens.ts';
import { errorOfEvent } from './event-error.ts';
import { post } from './protocol.ts';
import { usageOf } from './usage.ts';
import { createUsageCounts } from './usage-counts.ts';

// Fields that determine the cost of a call: see `passthroughBody`.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'stream',
  'tools',
  'speed',
  'inference_geo',
  'service_tier',
]);

/** Passes messages through unchanged in both directions. */
export const createMessagesPassthrough = (clock: Clock): Passthrough => ({
  request: (body, target, headers) =>
    post('/v1/messages', passthroughBody(body, target.model, ACCOUNTED), target, headers),
  response: (text) => {
    const { content, usage } = parseResponse(text);
    if (!Array.isArray(content)) throw malformed('content is not a list');
    const written = (): string => (content as unknown[]).map(textOfBlock).join('');
    return { result: written, usage: isObject(usage) ? usageOf(usage) : null };
  },
  stream: () => createPassthroughStream(clock),
});

/** Passes token counts through unchanged in both directions. */
export const createCountPassthrough = (): Passthrough => ({
  request: (body, target, headers) =>
    post('/v1/messages/count_tokens', passthroughBody(body, target.model, ACCOUNTED), target, headers),
  response: (text) => {
    inputTokens(text);
    return { result: () => '', usage: null };
  },
  stream: null,
});

const createPassthroughStream = (clock: Clock): PassthroughStream => {
  const log = createTextLog((text) => text);
  const counts = createUsageCounts();
  let started = false;
  let searches = 0;
  let last: string | null = null;

  /** Reads the fields of an event that the gateway needs. */
  const read = (event: JsonObject): void => {
    if (event.type === 'error') throw errorOfEvent(event.error, clock);
    if (event.type === 'message_start') {
      if (!isObject(event.message)) throw malformed('message_start has no message');
      started = true;
      counts.add(event.message.usage);
    } else if (event.type === 'message_delta') {
      counts.add(event.usage);
    } else {
      if (isSearch(event.content_block)) searches += 1;
      log.add(textOfBlock(event.delta) + textOfBlock(event.content_block));
    }
  };

  return {
    push: (event) => {
      if (last !== null) return '';
      const json = parseResponse(event.data);
      read(json);
      if (json.type !== 'message_stop') return sseText(event);
      if (!started) throw malformed('message_stop came before message_start');
      last = sseText(event);
      return '';
    },
    end: () => {
      if (last === null) throw new OneVaultError('provider_disconnected');
    },
    get is_over() {
      return last !== null;
    },
    last: () => last ?? '',
    get usage() {
      return counts.usage;
    },
    text: log.text,
    get tool_uses() {
      return searches === 0 ? {} : { web_search: searches };
    },
  };
};

const isSearch = (block: unknown): boolean =>
  isObject(block) && block.type === 'server_tool_use' && block.name === 'web_search';

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
