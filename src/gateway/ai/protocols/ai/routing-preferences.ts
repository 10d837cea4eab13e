import { OneVaultError } from '../../../../core/errors.ts';
import { type Pico, picoFromUsd } from '../../../../core/money.ts';
import type { ParsedRequest } from '../../client-protocol.ts';

/** Routing preferences of a unified request. */
export interface RoutingPreferences {
  readonly model?: string;
  readonly type?: string;
  readonly priority?: string;
  readonly max_cost?: number | string;
}

/**
 * Converts routing preferences to fields of a parsed request.
 * @param type the request type if the client names none
 * @throws OneVaultError invalid_request
 */
export const preferencesOf = (
  preferences: RoutingPreferences,
  type: string,
): Pick<ParsedRequest, 'model' | 'type' | 'priority' | 'max_cost'> => ({
  model: preferences.model ?? null,
  type: preferences.type ?? type,
  priority: preferences.priority ?? 'standard',
  max_cost: maxCostOf(preferences.max_cost),
});

const maxCostOf = (max_cost: number | string | undefined): Pico | null => {
  if (max_cost === undefined) return null;
  try {
    return picoFromUsd(max_cost);
  } catch (cause) {
    const details = 'Send max_cost in US dollars with at most 12 decimals.';
    throw new OneVaultError('invalid_request', { param: 'max_cost', details, cause });
  }
};
