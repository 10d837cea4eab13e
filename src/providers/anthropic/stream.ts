import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { ChatChunk, FinishReason, JsonObject } from '../chat-form.ts';
import type { ChatStream } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { createTextLog } from '../text-log.ts';
import { createBlocks } from './blocks.ts';
import { errorOfEvent } from './event-error.ts';
import { finishReason } from './response.ts';
import { createUsageCounts } from './usage-counts.ts';

/** Anthropic's stream of message events as chunks of the pivot form. */
export const createAnthropicStream = (clock: Clock) => (): ChatStream => {
  const log = createTextLog((text) => text);
  const blocks = createBlocks(log.add);
  const counts = createUsageCounts();
  let head: Pick<ChatChunk, 'id' | 'object' | 'created' | 'model'> | null = null;
  let finished = false;

  const delta = (change: JsonObject, finish_reason: FinishReason | null = null): ChatChunk => {
    if (head === null) throw malformed('an event came before message_start');
    return { ...head, choices: [{ index: 0, delta: change, logprobs: null, finish_reason }] };
  };

  const start = (message: unknown): ChatChunk => {
    if (!isObject(message) || typeof message.id !== 'string' || typeof message.model !== 'string') {
      throw malformed('message_start has no message with an id and a model');
    }
    const created = Math.floor(clock.now() / 1_000);
    head = { id: message.id, object: 'chat.completion.chunk', created, model: message.model };
    counts.add(message.usage);
    return delta({ role: 'assistant', content: '', refusal: null });
  };

  const messageDelta = (event: JsonObject): readonly ChatChunk[] => {
    counts.add(event.usage);
    const change = isObject(event.delta) ? event.delta : {};
    const { stop_reason, stop_details } = change;
    if (typeof stop_reason !== 'string') return [];
    const refusal = isObject(stop_details) && stop_reason === 'refusal' ? stop_details.explanation : undefined;
    return [delta(typeof refusal === 'string' ? { refusal } : {}, finishReason(stop_reason))];
  };

  const translate = (event: JsonObject): readonly ChatChunk[] => {
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
        if (head === null) throw malformed('message_stop came before message_start');
        finished = true;
        return [];
      case 'error':
        throw errorOfEvent(event.error, clock);
      default:
        // `ping`, and events of later versions.
        return [];
    }
  };

  return {
    push: ({ data }) => (finished ? [] : translate(parseResponse(data))),
    end: () => {
      if (!finished) throw new OneVaultError('provider_disconnected');
    },
    get is_over() {
      return finished;
    },
    get usage() {
      return counts.usage;
    },
    text: log.text,
  };
};
