import type { Clock } from '../core/clock.ts';
import { createAnthropic } from './anthropic/adapter.ts';
import { COMPATIBLE_PROVIDERS } from './compatible-providers.ts';
import type { ProviderAdapter } from './contract.ts';
import { createGoogle } from './google/adapter.ts';
import { createCompatible, createOpenAi } from './openai/adapter.ts';
import {
  createAudioProfile,
  createEmbeddingsProfile,
  createProfile,
  createRealtimeProfile,
} from './openai/compatible/profile.ts';

/** The adapter of each protocol. `clock` stamps chunks that a provider sends without a time. */
export const createAdapters = (clock: Clock) =>
  ({
    openai: createOpenAi(clock),
    anthropic: createAnthropic(clock),
    google: createGoogle(clock),
  }) as const satisfies Readonly<Record<string, ProviderAdapter>>;

/** Adapters of the OpenAI-compatible providers, by provider. */
export const createCompatibleAdapters = (clock: Clock): Readonly<Record<string, ProviderAdapter>> =>
  Object.fromEntries(
    COMPATIBLE_PROVIDERS.map((entry) => [
      entry.provider,
      createCompatible(
        createProfile(entry),
        clock,
        createEmbeddingsProfile(entry),
        createRealtimeProfile(entry),
        createAudioProfile(entry),
      ),
    ]),
  );
