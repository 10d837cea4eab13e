import { OneVaultError } from '../../../../core/errors.ts';
import { type Pico, picoFromUsd } from '../../../../core/money.ts';
import type { Ask } from '../../client-protocol.ts';

/** What every request of the unified form may say of how it is to be served. */
export interface Wish {
  readonly model?: string;
  readonly type?: string;
  readonly priority?: string;
  readonly max_cost?: number | string;
}

/**
 * The wish as an ask.
 * @param type the kind of work where the client names none
 * @throws OneVaultError invalid_request
 */
export const wishOf = (wish: Wish, type: string): Pick<Ask, 'model' | 'type' | 'priority' | 'max_cost'> => ({
  model: wish.model ?? null,
  type: wish.type ?? type,
  priority: wish.priority ?? 'standard',
  max_cost: maxCostOf(wish.max_cost),
});

const maxCostOf = (max_cost: number | string | undefined): Pico | null => {
  if (max_cost === undefined) return null;
  try {
    return picoFromUsd(max_cost);
  } catch (cause) {
    const details = 'max_cost must be US dollars with at most 12 decimals.';
    throw new OneVaultError('invalid_request', { param: 'max_cost', details, cause });
  }
};
