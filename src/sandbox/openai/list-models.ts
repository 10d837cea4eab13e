import { CREATED_S, checkModel, type Json } from '../call.ts';

// Every model name is accepted; only these are listed.
const MODELS = [
  'gpt-4o',
  'gpt-4o-mini',
  'gpt-4.1',
  'gpt-4.1-mini',
  'gpt-5',
  'gpt-image-1',
  'text-embedding-3-small',
  'gpt-4o-mini-tts',
  'gpt-4o-transcribe',
  'whisper-1',
] as const;

/** The body of `GET /v1/models`. */
export const openAiModels = (): Json => ({ object: 'list', data: MODELS.map(openAiModel) });

/** The body of `GET /v1/models/{id}`. @throws SandboxRefusal */
export const openAiModel = (id: string): Json => {
  checkModel(id);
  return { id, object: 'model', created: CREATED_S, owned_by: 'sandbox' };
};
