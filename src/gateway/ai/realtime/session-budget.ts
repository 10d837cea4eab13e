import type { Rating } from '../../../pricing/rating.ts';
import type { Usage } from '../../../pricing/usage.ts';
import type { JsonObject } from '../../../providers/chat-form.ts';
import type { RealtimeProtocol } from '../../../providers/contract.ts';
import { malformed } from '../../../providers/json.ts';
import type { Call } from '../../call.ts';
import { progressRecord } from '../../call-record.ts';
import type { GatewayDeps } from '../../deps.ts';
import { isPossible } from '../../steps/settle.ts';
import { countedUsage } from '../token-count.ts';
import { createSessionHolds, ratingNow } from './session-holds.ts';

/**
 * The budget of one session. It always holds the largest cost of one response, and of each further one under way:
 * providers also begin responses by themselves. Usage is spent and journaled before the client gets the response's end.
 */
export interface SessionBudget {
  /** Number of responses that are requested or under way. */
  readonly under_way: number;
  /** Ids of the responses under way. */
  readonly active: ReadonlySet<string>;
  /** The client requests a response. @throws OneVaultError budget_exceeded when no further one can be paid */
  request(event_id: string | null): Promise<void>;
  /** The provider refuses what the client requested. */
  refused(event_id: string | null): void;
  /** A response began, requested or not. @throws OneVaultError budget_exceeded */
  created(response_id: string): Promise<void>;
  /** A response ended. @throws OneVaultError provider_malformed, journal_unavailable */
  done(response_id: string, response: JsonObject): Promise<void>;
  /** Holds the largest cost of the next response. @throws OneVaultError budget_exceeded */
  renew(): Promise<void>;
  /** Adds usage that the provider did not report; the responses under way are over then. */
  count(usage: Usage): void;
  /** The cost of the session up to now. */
  rating(): Rating;
  /** Releases every hold, and spends the usage that is not spent yet. */
  release(): Promise<void>;
}

/** Limit of responses under way in a session: many times what any provider runs at a time. */
export const RESPONSES_MAX = 64;

type SessionBudgetDeps = Pick<GatewayDeps, 'budgets' | 'journal' | 'clock'>;

/** @param call admitted, with the provider of the session as `chosen` */
export const createSessionBudget = (deps: SessionBudgetDeps, call: Call, protocol: RealtimeProtocol): SessionBudget => {
  const holds = createSessionHolds(deps, call);
  const active = new Set<string>();
  const requested: (string | null)[] = [];
  const needed = (): number => Math.max(1, active.size + requested.length);
  let recording: Promise<unknown> = Promise.resolve();
  const end = async (response_id: string, response: JsonObject): Promise<void> => {
    if (!active.delete(response_id)) requested.shift();
    call.session!.responses += 1;
    const usage = protocol.usage(response);
    if (usage !== null) {
      const sum = sumOf(call.usage, usage);
      if (!isPossible(usage) || !isPossible(sum)) throw malformed('usage has parts that exceed its total');
      call.usage = sum;
      call.usage_source = 'provider';
    }
    await holds.spend();
    if (usage === null) return;
    const record = progressRecord(call, ratingNow(call), deps.clock.now());
    call.intent_sequence = await deps.journal.append(record);
  };
  return {
    active,
    get under_way() {
      return active.size + requested.length;
    },
    request: async (event_id) => {
      requested.push(event_id);
      try {
        await holds.hold(needed());
      } catch (error) {
        requested.pop();
        throw error;
      }
    },
    refused: (event_id) => {
      const place = requested.indexOf(event_id);
      if (place !== -1) requested.splice(place, 1);
      else if (event_id === null) requested.shift();
    },
    created: async (response_id) => {
      requested.shift();
      if (active.size >= RESPONSES_MAX) throw malformed('too many responses began without an end');
      active.add(response_id);
      await holds.hold(needed());
    },
    done: (response_id, response) => {
      const ended = end(response_id, response);
      recording = ended.catch(() => {});
      return ended;
    },
    renew: () => holds.hold(needed()),
    count: (usage) => {
      active.clear();
      requested.length = 0;
      call.usage = sumOf(call.usage, usage);
      call.usage_source = 'counted';
    },
    rating: () => ratingNow(call),
    release: async () => {
      // The outcome replaces the last intent, so it must come after it.
      await recording;
      await holds.close();
    },
  };
};

const PARTS = [
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'prompt_audio_tokens',
  'completion_audio_tokens',
  'prompt_image_tokens',
  'completion_image_tokens',
  'cached_audio_tokens',
  'cached_image_tokens',
] as const satisfies readonly (keyof Usage)[];

/** The usage of two parts of a session together; the longest prompt of either decides its prices. */
const sumOf = (a: Usage | null, b: Usage): Usage => ({
  ...countedUsage(0, 0),
  ...Object.fromEntries(PARTS.map((part) => [part, (a?.[part] ?? 0) + (b[part] ?? 0)])),
  longest_prompt_tokens: Math.max(a?.longest_prompt_tokens ?? 0, b.longest_prompt_tokens ?? b.prompt_tokens),
});
