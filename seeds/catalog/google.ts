import type { CatalogModel } from './model.ts';

const chat = (model: string, family: string, context_window_tokens: number): CatalogModel => ({
  provider: 'google',
  model,
  family,
  context_window_tokens,
  max_output_tokens: 65_536,
  vision: true,
});

// 2^20: the price data has a rounded one of some, and none of others.
const WINDOW_TOKENS = 1_048_576;

export const GOOGLE: readonly CatalogModel[] = [
  chat('gemini-2.5-flash-lite', 'gemini-2.5', WINDOW_TOKENS),
  chat('gemini-2.5-flash', 'gemini-2.5', WINDOW_TOKENS),
  chat('gemini-2.5-pro', 'gemini-2.5', WINDOW_TOKENS),
  chat('gemini-3.1-flash-lite', 'gemini-3', WINDOW_TOKENS),
  chat('gemini-3.1-pro-preview', 'gemini-3', WINDOW_TOKENS),
  chat('gemini-3.5-flash', 'gemini-3', WINDOW_TOKENS),
  {
    provider: 'google',
    model: 'gemini-embedding-001',
    family: 'gemini-embedding',
    kind: 'embeddings',
    context_window_tokens: 2_048,
  },
];
