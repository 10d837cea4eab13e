import type { Clock } from '../core/clock.ts';
import { createAnthropic } from './anthropic/adapter.ts';
import type { ProviderAdapter } from './contract.ts';
import { createOpenAi } from './openai/adapter.ts';

/** The adapter of each protocol; `clock` stamps chunks that a provider sends unstamped. */
export const createAdapters = (clock: Clock) =>
  ({
    openai: createOpenAi(clock),
    anthropic: createAnthropic(clock),
  }) as const satisfies Readonly<Record<string, ProviderAdapter>>;
