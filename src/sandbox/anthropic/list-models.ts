import { CREATED_S, checkModel, type Json } from '../call.ts';

// Every model name is accepted; only these are listed.
const MODELS = ['claude-opus-5', 'claude-sonnet-5', 'claude-haiku-4-5'] as const;

/** The body of `GET /v1/models`, in one page. */
export const anthropicModels = (): Json => ({
  data: MODELS.map(anthropicModel),
  has_more: false,
  first_id: MODELS[0],
  last_id: MODELS.at(-1),
});

/** The body of `GET /v1/models/{id}`. @throws SandboxRefusal */
export const anthropicModel = (id: string): Json => {
  checkModel(id);
  return { type: 'model', id, display_name: id, created_at: new Date(CREATED_S * 1_000).toISOString() };
};
