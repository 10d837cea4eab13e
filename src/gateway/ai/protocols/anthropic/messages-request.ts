import type { JsonObject } from '../../../../providers/chat-form.ts';

/** A messages request that fits its schema: the fields we know by name, and others. */
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

/** A block of content: its type is known to be a text, and its `text`, where it has one. */
export type Block = JsonObject & { readonly type: string; readonly text?: string };
