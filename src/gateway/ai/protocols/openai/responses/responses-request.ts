import type { JsonObject } from '../../../../../providers/chat-form.ts';

/** A validated responses request: known fields by name, and others. */
export type ResponsesRequest = JsonObject & {
  readonly model: string;
  readonly input?: string | readonly Item[];
  readonly instructions?: string | null;
  readonly max_output_tokens?: number | null;
  readonly stream?: boolean | null;
  readonly tools?: readonly JsonObject[] | null;
  readonly tool_choice?: string | JsonObject | null;
  readonly text?: JsonObject | null;
  readonly reasoning?: JsonObject | null;
  readonly background?: boolean | null;
  readonly previous_response_id?: string | null;
  readonly conversation?: string | JsonObject | null;
  readonly prompt?: JsonObject | null;
};

/** Item of a conversation: a message, a tool's call or result, or reasoning. */
export type Item = JsonObject & { readonly type?: string | null; readonly role?: string };
