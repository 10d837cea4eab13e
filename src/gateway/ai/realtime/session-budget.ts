import type { ProviderKey } from '../../../catalog/snapshot.ts';
import { OneVaultError } from '../../../core/errors.ts';
import { type Pico, usdFromPico } from '../../../core/money.ts';
import { NOTHING_USED, type Rating } from '../../../pricing/rating.ts';
import type { Usage } from '../../../pricing/usage.ts';
import type { JsonObject } from '../../../providers/chat-form.ts';
import type { RealtimeProtocol } from '../../../providers/contract.ts';
import { malformed } from '../../../providers/json.ts';
import type { Call } from '../../call.ts';
import { progressRecord } from '../../call-record.ts';
import type { GatewayDeps } from '../../deps.ts';
import { budgetsOf, budgetsOfKey, type Reservation } from '../../limits/budgets.ts';
import { maxBilled } from '../../limits/key-budgets.ts';
import { isPossible, ratingOf } from '../../steps/settle.ts';
import { sumOf } from './usage.ts';

/**
 * The money of one session. At any time it holds what one response could cost at most, and as much for each further
 * one that is under way: providers also respond of themselves, when a speaker falls silent. What a response used goes
 * against the budgets, and into the journal, before its client hears that it is done.
 */
export interface Ledger {
  /** Responses that are asked for or under way. */
  readonly under_way: number;
  readonly active: ReadonlySet<string>;
  /** A client asks for a response. @throws OneVaultError budget_exceeded when no further one can be paid */
  parsed(event_id: string | null): Promise<void>;
  /** The provider refuses what a client asked for. */
  refused(event_id: string | null): void;
  /** A response began, asked for or not. @throws OneVaultError budget_exceeded */
  created(response_id: string): Promise<void>;
  /** A response ended. @throws OneVaultError provider_malformed, journal_unavailable */
  done(response_id: string, response: JsonObject): Promise<void>;
  /** Holds what the next response could cost. @throws OneVaultError budget_exceeded */
  renew(): Promise<void>;
  /** Counts what a provider never told of; those responses are over then. */
  count(usage: Usage): void;
  /** What the session costs by now. */
  rating(): Rating;
  /** Gives back what is held still, and counts what was used and not yet counted. */
  release(): Promise<void>;
}

/** As many responses as may be under way in a session: many times what any provider runs beside each other. */
export const RESPONSES_MAX = 64;

interface Hold {
  readonly customer: Reservation;
  readonly key: Reservation | null;
}

type LedgerDeps = Pick<GatewayDeps, 'budgets' | 'journal' | 'clock'>;

/** @param call admitted, with the provider that the session is with as `chosen` */
export const createLedger = (deps: LedgerDeps, call: Call, protocol_name: RealtimeProtocol): Ledger => {
  const purse = createPurse(deps, call);
  const active = new Set<string>();
  const asked: (string | null)[] = [];
  const needed = (): number => Math.max(1, active.size + asked.length);
  let recording: Promise<unknown> = Promise.resolve();
  const end = async (response_id: string, response: JsonObject): Promise<void> => {
    if (!active.delete(response_id)) asked.shift();
    call.session!.responses += 1;
    const usage = protocol_name.usage(response);
    if (usage !== null) {
      const sum = sumOf(call.usage, usage);
      if (!isPossible(usage) || !isPossible(sum)) throw malformed('usage is of more parts than it has');
      call.usage = sum;
      call.usage_source = 'provider';
    }
    await purse.spend();
    if (usage === null) return;
    const record = progressRecord(call, ratingNow(call), deps.clock.now());
    call.intent_sequence = await deps.journal.append(record);
  };
  return {
    active,
    get under_way() {
      return active.size + asked.length;
    },
    parsed: async (event_id) => {
      asked.push(event_id);
      try {
        await purse.hold(needed());
      } catch (error) {
        asked.pop();
        throw error;
      }
    },
    refused: (event_id) => {
      const place = asked.indexOf(event_id);
      if (place !== -1) asked.splice(place, 1);
      else if (event_id === null) asked.shift();
    },
    created: async (response_id) => {
      asked.shift();
      if (active.size >= RESPONSES_MAX) throw malformed('responses begin and do not end');
      active.add(response_id);
      await purse.hold(needed());
    },
    done: (response_id, response) => {
      const ended = end(response_id, response);
      recording = ended.catch(() => {});
      return ended;
    },
    renew: () => purse.hold(needed()),
    count: (usage) => {
      active.clear();
      asked.length = 0;
      call.usage = sumOf(call.usage, usage);
      call.usage_source = 'counted';
    },
    rating: () => ratingNow(call),
    release: async () => {
      // The outcome takes the place of the last intent, and so comes after it.
      await recording;
      await purse.close();
    },
  };
};

const ratingNow = (call: Call): Rating => (call.usage === null ? NOTHING_USED : ratingOf(call));

/** What a session holds of its budgets, and what it spent of them. */
const createPurse = ({ budgets }: LedgerDeps, call: Call) => {
  const { provider_key } = call.chosen!;
  const [first_key] = call.key_reservations.filter((each) => each.provider_key === provider_key?.provider_key);
  const holds: Hold[] = [{ customer: call.reservation!, key: first_key?.reservation ?? null }];
  let spent: Pico = 0n;
  let spent_by_key: Pico = 0n;
  let is_closed = false;

  const holdOne = async (): Promise<void> => {
    const customer = {
      budgets: budgetsOf(call.customer!, call.received_ms),
      amount: maxBilled(call.chosen!) ?? 0n,
    };
    await reserve(customer);
    const hold: Hold = { customer, key: provider_key === null ? null : keyReservation(provider_key) };
    try {
      if (hold.key !== null) await reserve(hold.key);
    } catch (error) {
      await budgets.settle(customer, 0n);
      throw error;
    }
    holds.push(hold);
    // The session ended meanwhile.
    if (is_closed) await spend();
  };

  const keyReservation = (key: ProviderKey): Reservation => ({
    budgets: budgetsOfKey(key, call.received_ms),
    amount: call.chosen!.max_provider_cost ?? 0n,
  });

  const reserve = async (reservation: Reservation): Promise<void> => {
    const exceeded = await budgets.reserve(reservation);
    if (exceeded === null) return;
    const left = exceeded.limit! - budgets.total(exceeded.key);
    throw new OneVaultError('budget_exceeded', {
      details:
        `The next response could cost ${usdFromPico(reservation.amount)} USD, and of the budget ${exceeded.key} ` +
        `${usdFromPico(left > 0n ? left : 0n)} USD are left.`,
    });
  };

  /** Gives one hold back and counts in its place what has been used since the last time. */
  const spend = async (): Promise<void> => {
    const { customer_cost } = ratingNow(call);
    const more = (customer_cost ?? 0n) - spent;
    const more_by_key = (call.provider_key_cost ?? 0n) - spent_by_key;
    spent += more;
    spent_by_key += more_by_key;
    const hold = holds.shift() ?? nothingHeld(call);
    await budgets.settle(hold.customer, more);
    if (hold.key !== null) await budgets.settle(hold.key, more_by_key);
  };

  return {
    hold: async (count: number): Promise<void> => {
      while (holds.length < count && !is_closed) await holdOne();
    },
    spend,
    close: async (): Promise<void> => {
      is_closed = true;
      do await spend();
      while (holds.length > 0);
      // Those of other keys, which the session might have gone to.
      for (const each of call.key_reservations) if (each !== first_key) await budgets.settle(each.reservation, 0n);
    },
  };
};

/** A response ended that nothing was held for: it is counted all the same. */
const nothingHeld = (call: Call): Hold => {
  const { provider_key } = call.chosen!;
  return {
    customer: { budgets: budgetsOf(call.customer!, call.received_ms), amount: 0n },
    key: provider_key === null ? null : { budgets: budgetsOfKey(provider_key, call.received_ms), amount: 0n },
  };
};
