import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../pricing/usage.ts';
import type { ChatChunk } from '../chat-form.ts';
import { writtenText } from '../chat-text.ts';
import type { ChatStream } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { createTextLog } from '../text-log.ts';
import type { ChatProfile } from './compatibility-profile.ts';
import { errorOfFrame } from './frame-error.ts';

/** OpenAI's stream, whose frames are already chunks of the pivot form. */
export const createOpenAiStream = (profile: ChatProfile, clock: Clock) => (): ChatStream => {
  const log = createTextLog((text) => text);
  let finished = false;
  let stopped = false;
  let usage: Usage | null = null;

  const read = (data: string): readonly ChatChunk[] => {
    const received = parseResponse(data);
    const { usage: _usage, ...frame } = received;
    if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
    usage = profile.usage(received) ?? usage;
    const given = frame.choices ?? [];
    if (!Array.isArray(given)) throw malformed('choices is not a list');
    if (given.length === 0) return [];
    const choices = profile.choices(given, 'delta');
    for (const choice of choices) {
      if (!isObject(choice)) throw malformed('a choice is not an object');
      if (choice.delta !== undefined && choice.delta !== null && !isObject(choice.delta))
        throw malformed('the delta of a choice is not an object');
      if (typeof choice.finish_reason === 'string') stopped = true;
      log.add(writtenText(choice.delta));
    }
    return [{ ...frame, choices } as unknown as ChatChunk];
  };

  return {
    push: ({ data }) => {
      if (finished) return [];
      if (data !== '[DONE]') return read(data);
      finished = true;
      return [];
    },
    end: () => {
      // Some compatible servers never send [DONE], so a finish reason is enough.
      if (!finished && !stopped) throw new OneVaultError('provider_disconnected');
    },
    get is_over() {
      return finished;
    },
    get usage() {
      return usage;
    },
    text: log.text,
  };
};
