import type { JsonObject } from '../../../../providers/chat-form.ts';

/** A validated messages request: known fields by name, and others. */
export type MessagesRequest = JsonObject & {
  readonly model: string;
  readonly max_tokens?: number;
  readonly messages: readonly AnthropicMessage[];
  readonly system?: AnthropicContent | null;
  readonly stream?: boolean;
};

export interface AnthropicMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: AnthropicContent;
}

export type AnthropicContent = string | readonly Block[];

/** A content block. The schema guarantees that `type` is a string, and `text` too if it exists. */
export type Block = JsonObject & { readonly type: string; readonly text?: string };
