import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { ToolUses, Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import type { Passthrough, PassthroughStream } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { passthroughBody } from '../passthrough-body.ts';
import { createTextLog } from '../text-log.ts';
import { sseText } from '../transport/sse-text.ts';
import { errorOfFrame } from './frame-error.ts';
import { post } from './post.ts';
import { withServiceTier } from './service-tier.ts';
import { tokenUsageOf } from './token-usage.ts';
import { toolUsesIn } from './tool-uses.ts';

// Fields that determine the cost of a call: see `passthroughBody`.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'model',
  'input',
  'instructions',
  'max_output_tokens',
  'stream',
  'tools',
  'max_tool_calls',
  'background',
  'previous_response_id',
  'conversation',
  'prompt',
  'service_tier',
]);

/** Passes OpenAI's responses through unchanged in both directions. */
export const createResponsesPassthrough = (clock: Clock): Passthrough => ({
  request: (body, target) => post('/responses', passthroughBody(body, target.model, ACCOUNTED), target),
  response: (text) => {
    const response = parseResponse(text);
    return { result: () => writtenText(response), usage: endOf(response, clock) };
  },
  stream: () => createPassthroughStream(clock),
});

/**
 * The usage of a completed response.
 * @throws OneVaultError the error of a failed response; provider_malformed
 */
const endOf = (response: unknown, clock: Clock): Usage | null => {
  if (!isObject(response)) throw malformed('response is not an object');
  if (response.status === 'failed') throw errorOfFrame(response.error, clock);
  if (!Array.isArray(response.output)) throw malformed('output is not a list');
  const usage = withServiceTier(tokenUsageOf(response.usage), response.service_tier);
  return usage === null ? null : withUses(usage, toolUsesIn(response.output));
};

const withUses = (usage: Usage, tool_uses: ToolUses): Usage =>
  Object.keys(tool_uses).length === 0 ? usage : { ...usage, tool_uses };

/** All text, thinking and calls of a response. */
const writtenText = ({ output }: JsonObject): string =>
  (output as unknown[])
    .filter(isObject)
    .flatMap((item) => [item.name, item.arguments, item.input, ...[item.content, item.summary].flatMap(textsOf)])
    .filter((text) => typeof text === 'string')
    .join('');

const textsOf = (parts: unknown): readonly unknown[] =>
  (Array.isArray(parts) ? (parts as unknown[]) : []).filter(isObject).map(({ text, refusal }) => text ?? refusal);

const createPassthroughStream = (clock: Clock): PassthroughStream => {
  const log = createTextLog(textOfEvent);
  let usage: Usage | null = null;
  // Output items with tool uses.
  const items: unknown[] = [];
  // The event that ends the response.
  let held = '';
  let next_number = 0;

  /** Reads the fields of an event that the gateway needs. @returns true if the event ends the response */
  const read = ({ type, response, ...event }: JsonObject): boolean => {
    if (type === 'error') throw errorOfFrame(event.error ?? event, clock);
    if (type === 'response.failed') {
      usage = isObject(response) ? tokenUsageOf(response.usage) : null;
      throw errorOfFrame(isObject(response) ? response.error : null, clock);
    }
    if (type === 'response.output_item.done' && isCall(event.item)) items.push(event.item);
    if (type !== 'response.completed' && type !== 'response.incomplete') return false;
    usage = endOf(response, clock);
    return true;
  };

  return {
    push: (event) => {
      const { data } = event;
      if (held !== '' || data === '[DONE]') return '';
      if (read(parseResponse(data))) {
        held = sseText(event);
        return '';
      }
      log.add(data);
      next_number += 1;
      return sseText(event);
    },
    end: () => {
      if (held === '') throw new OneVaultError('provider_disconnected');
    },
    last: () => held,
    get next_number() {
      return next_number;
    },
    get is_over() {
      return held !== '';
    },
    get usage() {
      return usage;
    },
    text: log.text,
    get tool_uses() {
      return toolUsesIn(items);
    },
  };
};

const isCall = (item: unknown): boolean =>
  isObject(item) && typeof item.type === 'string' && item.type.endsWith('_call');

const WRITING = /(?:text|refusal|arguments|input|code)\.delta$/;

/** The output that an event adds; '' for an unreadable event. */
const textOfEvent = (data: string): string => {
  try {
    const event: unknown = JSON.parse(data);
    if (!isObject(event) || typeof event.type !== 'string') return '';
    if (event.type === 'response.output_item.added' && isObject(event.item)) {
      return typeof event.item.name === 'string' ? event.item.name : '';
    }
    return WRITING.test(event.type) && typeof event.delta === 'string' ? event.delta : '';
  } catch {
    return '';
  }
};
