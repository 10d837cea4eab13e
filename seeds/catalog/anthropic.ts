import type { CatalogModel } from './model.ts';

const chat = (model: string, family: string, max_output_tokens: number): CatalogModel => ({
  provider: 'anthropic',
  model,
  family,
  max_output_tokens,
  vision: true,
});

export const ANTHROPIC: readonly CatalogModel[] = [
  chat('claude-haiku-4-5', 'claude-4.5', 64_000),
  chat('claude-sonnet-4-5', 'claude-4.5', 64_000),
  chat('claude-sonnet-4-6', 'claude-4.6', 64_000),
  chat('claude-opus-4-5', 'claude-4.5', 64_000),
  chat('claude-opus-4-6', 'claude-4.6', 128_000),
];
