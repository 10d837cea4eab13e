import type { JsonObject } from './chat-form.ts';

/** A call for pictures in the pivot form: OpenAI's JSON. */
export type ImageRequest = JsonObject & {
  readonly model: string;
  readonly prompt: string;
  readonly n?: number | null;
  readonly partial_images?: number | null;
  readonly stream?: boolean | null;
};

/** Pictures by content (base64) or by address; other fields as they came. */
export type ImageResponse = JsonObject & {
  readonly created: number;
  readonly data: readonly (JsonObject & {
    readonly b64_json?: string;
    readonly url?: string;
  })[];
};
