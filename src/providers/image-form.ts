import type { JsonObject } from './chat-form.ts';

/** A call for images in the pivot form: OpenAI's JSON. */
export type ImageRequest = JsonObject & {
  readonly model: string;
  readonly prompt: string;
  readonly n?: number | null;
  readonly partial_images?: number | null;
  readonly stream?: boolean | null;
};

/** Images by content (base64) or by URL; other fields stay unchanged. */
export type ImageResponse = JsonObject & {
  readonly created: number;
  readonly data: readonly (JsonObject & {
    readonly b64_json?: string;
    readonly url?: string;
  })[];
};
