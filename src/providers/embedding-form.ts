import type { JsonObject } from './chat-form.ts';

/**
 * A call for embeddings in the pivot form: OpenAI's JSON with the extensions `task_type` (purpose of a text) and
 * `title` (its title). `input` is one text, a list of texts, or the same as tokens.
 */
export type EmbeddingRequest = JsonObject & {
  readonly model: string;
  readonly input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  readonly dimensions?: number | null;
  readonly task_type?: string | null;
  readonly title?: string | null;
};

/** Vectors in the order of the inputs. */
export interface EmbeddingResponse {
  /** The provider's name of the model. */
  readonly model: string;
  readonly vectors: readonly (readonly number[])[];
}
