import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { ChatChunk, ChatStream, FinishReason, JsonObject, StreamOptions, Usage } from '../contract.ts';
import { isObject, malformed, parseReply } from '../json.ts';
import { refusalError } from '../reply-error.ts';
import { createTextLog } from '../text-log.ts';
import { createBlocks } from './blocks.ts';
import { finishReason } from './response.ts';
import { usageJson, usageOf } from './usage.ts';

/** Anthropic's stream of message events as chunks of the pivot form. */
export const createAnthropicStream =
  (clock: Clock) =>
  ({ include_usage }: StreamOptions): ChatStream => {
    const log = createTextLog((text) => text);
    const blocks = createBlocks(log.add);
    let head: Pick<ChatChunk, 'id' | 'object' | 'created' | 'model'> | null = null;
    // Counts are cumulative, and the later events leave out what has not changed.
    let counts: JsonObject = {};
    let usage: Usage | null = null;
    let finished = false;

    const chunk = (choices: ChatChunk['choices'], given: JsonObject | null = null): string => {
      if (head === null) throw malformed('an event came before message_start');
      return JSON.stringify(include_usage ? { ...head, choices, usage: given } : { ...head, choices });
    };
    const delta = (change: JsonObject, finish_reason: FinishReason | null = null): string =>
      chunk([{ index: 0, delta: change, logprobs: null, finish_reason }]);

    const count = (given: unknown): void => {
      if (!isObject(given)) return;
      const known = Object.entries(given).filter(([, value]) => value !== null);
      counts = { ...counts, ...Object.fromEntries(known) };
      usage = usageOf(counts);
    };

    const start = (message: unknown): string => {
      if (!isObject(message) || typeof message.id !== 'string' || typeof message.model !== 'string') {
        throw malformed('message_start has no message with an id and a model');
      }
      const created = Math.floor(clock.now() / 1_000);
      head = { id: message.id, object: 'chat.completion.chunk', created, model: message.model };
      count(message.usage);
      return delta({ role: 'assistant', content: '', refusal: null });
    };

    const messageDelta = (event: JsonObject): string[] => {
      count(event.usage);
      const change = isObject(event.delta) ? event.delta : {};
      const { stop_reason, stop_details } = change;
      if (typeof stop_reason !== 'string') return [];
      const refusal =
        isObject(stop_details) && stop_reason === 'refusal' ? stop_details.explanation : undefined;
      return [delta(typeof refusal === 'string' ? { refusal } : {}, finishReason(stop_reason))];
    };

    const stop = (): string[] => {
      const last = include_usage && usage !== null ? [chunk([], usageJson(usage))] : [];
      if (head === null) throw malformed('message_stop came before message_start');
      finished = true;
      return last;
    };

    const translate = (event: JsonObject): string[] => {
      switch (event.type) {
        case 'message_start':
          return [start(event.message)];
        case 'content_block_start':
          return blocks.start(event).map((change) => delta(change));
        case 'content_block_delta':
          return blocks.delta(event).map((change) => delta(change));
        case 'content_block_stop':
          return blocks.stop(event).map((change) => delta(change));
        case 'message_delta':
          return messageDelta(event);
        case 'message_stop':
          return stop();
        case 'error':
          throw errorOfEvent(event.error, clock);
        default:
          // `ping`, and events that a later version adds.
          return [];
      }
    };

    return {
      push: ({ data }) => (finished ? [] : translate(parseReply(data))),
      end: () => {
        if (!finished) throw new OneVaultError('provider_disconnected');
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

// https://docs.anthropic.com/en/api/errors: the status that each type has where it comes before the stream.
const STATUS_OF_TYPE: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

const errorOfEvent = (error: unknown, clock: Clock): OneVaultError => {
  const { type, message } = isObject(error) ? error : {};
  const status = STATUS_OF_TYPE.get(type) ?? 500;
  return refusalError(
    { status, headers: {}, message: typeof message === 'string' ? message : '' },
    null,
    clock,
  );
};
