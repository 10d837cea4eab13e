import type { Clock } from '../core/clock.ts';
import type { DataKeyStore } from './data-keys.ts';

export interface SealTurnsDeps {
  readonly store: DataKeyStore;
  readonly clock: Clock;
  /** Makes a data key, which is the newest from then on. @returns its id */
  readonly makeKey: () => Promise<string>;
}

/**
 * How many values one data key seals at most, all processes together: a fourth of what NIST SP 800-38D, section 8.3,
 * allows with random nonces (2^32), so that the count still holds when the database was set back to a backup.
 */
const MOST_SEALS = 2 ** 30;
// A statement each; what a process that ends has not used is lost, and 16,384 of them exhaust a key.
const SEALS_AT_ONCE = 2 ** 16;
// So soon every process seals with the key that a rotation made.
const LOOK_AGAIN_MS = 10_000;

/** The key that seals now, and how often it still may here. */
interface Turn {
  readonly data_key_id: string;
  seals_left: number;
  looked_ms: number;
}

/**
 * Says which data key seals next: the newest, as often as it may. Seals are taken from the store in blocks, so that
 * with one at hand sealing goes on while the database is away.
 * @returns takes one seal, and gives the id of the key to make it with
 */
export const createSealTurns = (deps: SealTurnsDeps): (() => Promise<string>) => {
  let turn: Turn | null = null;
  let taking: Promise<Turn> | null = null;
  const isFresh = ({ seals_left, looked_ms }: Turn): boolean =>
    seals_left > 0 && deps.clock.now() - looked_ms < LOOK_AGAIN_MS;

  return async () => {
    for (;;) {
      if (turn !== null && isFresh(turn)) {
        turn.seals_left -= 1;
        return turn.data_key_id;
      }
      taking ??= takeTurn(deps, turn).finally(() => {
        taking = null;
      });
      try {
        turn = await taking;
      } catch (error) {
        // The key at hand serves on while the database is away.
        if (turn === null || turn.seals_left === 0) throw error;
        turn.looked_ms = deps.clock.now();
      }
    }
  };
};

/** A turn of the newest key that has seals to give, which may be the one at hand; another is made when it has none. */
const takeTurn = async ({ store, clock, makeKey }: SealTurnsDeps, at_hand: Turn | null): Promise<Turn> => {
  let data_key_id = (await store.newest()) ?? (await makeKey());
  const looked_ms = clock.now();
  if (at_hand?.data_key_id === data_key_id && at_hand.seals_left > 0) {
    at_hand.looked_ms = looked_ms;
    return at_hand;
  }
  while (!(await store.reserve(data_key_id, SEALS_AT_ONCE, MOST_SEALS))) data_key_id = await makeKey();
  return { data_key_id, seals_left: SEALS_AT_ONCE, looked_ms };
};
