import type { Clock } from '../core/clock.ts';
import type { DataKeyStore } from './data-keys.ts';

export interface SealTurnsDeps {
  readonly store: DataKeyStore;
  readonly clock: Clock;
  /** Creates a data key, which then is the newest. @returns its id */
  readonly makeKey: () => Promise<string>;
}

/**
 * Limit of seals of one data key, for all processes together: a fourth of the 2^32 that NIST SP 800-38D, section 8.3,
 * allows with random nonces, so that the count stays valid after the database was restored from a backup.
 */
const MAX_SEALS = 2 ** 30;
// One statement a block. A process that ends loses the rest of its block, and 16,384 blocks exhaust a key.
const SEALS_AT_ONCE = 2 ** 16;
// Delay until every process seals with the key of a rotation.
const CHECK_INTERVAL_MS = 10_000;

/** The current data key, and the number of seals that this process may still make with it. */
interface Turn {
  readonly data_key_id: string;
  seals_left: number;
  checked_ms: number;
}

/**
 * Chooses the data key of each seal: the newest, up to its limit. Seals are reserved in blocks, so that sealing
 * continues from the current block while the database is not available.
 * @returns a function that uses one seal and returns the id of its key
 */
export const createSealTurns = (deps: SealTurnsDeps): (() => Promise<string>) => {
  let turn: Turn | null = null;
  let taking: Promise<Turn> | null = null;
  const isFresh = ({ seals_left, checked_ms }: Turn): boolean =>
    seals_left > 0 && deps.clock.now() - checked_ms < CHECK_INTERVAL_MS;

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
        // The current key remains in use while the database is not available.
        if (turn === null || turn.seals_left === 0) throw error;
        turn.checked_ms = deps.clock.now();
      }
    }
  };
};

/** A turn with the newest key, which may be the current one; creates a key if the newest has no seals left. */
const takeTurn = async ({ store, clock, makeKey }: SealTurnsDeps, at_hand: Turn | null): Promise<Turn> => {
  let data_key_id = (await store.newest()) ?? (await makeKey());
  const checked_ms = clock.now();
  if (at_hand?.data_key_id === data_key_id && at_hand.seals_left > 0) {
    at_hand.checked_ms = checked_ms;
    return at_hand;
  }
  while (!(await store.reserve(data_key_id, SEALS_AT_ONCE, MAX_SEALS))) data_key_id = await makeKey();
  return { data_key_id, seals_left: SEALS_AT_ONCE, checked_ms };
};
