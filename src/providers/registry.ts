import type { Clock } from '../core/clock.ts';
import { createAnthropic } from './anthropic/adapter.ts';
import type { Protocol, ProviderAdapter } from './contract.ts';
import { createOpenAi } from './openai/adapter.ts';

/** The adapter of each protocol; `clock` stamps chunks that a provider sends unstamped. */
export const createAdapters = (clock: Clock): Readonly<Record<Protocol, ProviderAdapter>> => ({
  openai: createOpenAi(clock),
  anthropic: createAnthropic(clock),
});
