export type ProtocolName = 'openai' | 'anthropic' | 'google';

/** What the sandbox understands of a call, whichever protocol it came in. */
export interface SandboxCall {
  readonly model: string;
  readonly stream: boolean;
  /** Whether a stream is written as server-sent events; else as one JSON list. */
  readonly sse: boolean;
  readonly include_usage: boolean;
  readonly prompt_tokens: number;
  /** The text of the last message of the user. */
  readonly user_text: string;
  readonly images: number;
  /** What tools answered, where the last message carries that; else null. */
  readonly tool_result: string | null;
  readonly tools: readonly SandboxTool[];
  readonly tool_choice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallel_tool_calls: boolean;
  /** The JSON Schema that the reply must fit; null where it is free text. */
  readonly schema: Json | null;
  readonly max_tokens: number | null;
  /** The reply ends before the first of these texts that it holds. */
  readonly stop: readonly string[];
  /** Whether the model is asked to think first, and whether the client may read it. */
  readonly thinking: 'none' | 'hidden' | 'shown';
  /** The request as it came, for what a protocol repeats of it. */
  readonly body: Json;
}

export interface SandboxTool {
  readonly name: string;
  readonly schema: Json;
}

export interface SandboxReply {
  /** What was thought, a token a piece; empty where none was asked for. */
  readonly thinking: readonly string[];
  /** The text, a token a piece; empty where tools are called without a word. */
  readonly pieces: readonly string[];
  readonly tool_calls: readonly SandboxToolCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'refused' | 'blocked';
  /** The stop text that ended the reply; null where none did. */
  readonly stop_sequence: string | null;
  /** Without those of `thinking`. */
  readonly completion_tokens: number;
  /** Of the prompt's tokens, those read from a cache and those written to it. */
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
}

export interface SandboxToolCall {
  readonly name: string;
  readonly input: Json;
}

export type Json = Record<string, unknown>;

interface RefusalDetails {
  readonly code?: string;
  readonly retry_after_s?: number | null;
}

/** What a provider would refuse, in words such as it would use. */
export class SandboxRefusal extends Error {
  readonly status: number;
  readonly param: string | null;
  /** The provider's own word for it, where the status alone does not give it. */
  readonly code: string | null;
  /** When the client may come again, in seconds; null where nothing is said of it. */
  readonly retry_after_s: number | null;

  constructor(status: number, message: string, param: string | null = null, more: RefusalDetails = {}) {
    super(message);
    this.name = 'SandboxRefusal';
    this.status = status;
    this.param = param;
    this.code = more.code ?? null;
    this.retry_after_s = more.retry_after_s ?? null;
  }
}

export const isJsonObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `value` where it is a list, else an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `value` where it is an object, else an empty one. */
export const objectOf = (value: unknown): Json => (isJsonObject(value) ? value : {});

const CHARS_PER_TOKEN = 4;
const TOKENS_PER_IMAGE = 85;

/** The sandbox's own count: four characters a token, 85 tokens an image. */
export const tokensOf = (chars: number, images = 0): number =>
  Math.ceil(chars / CHARS_PER_TOKEN) + images * TOKENS_PER_IMAGE;

/** Adds up what a prompt holds, in the same way for every protocol. */
export interface PromptTally {
  text(text: string): void;
  image(): void;
  readonly chars: number;
  readonly images: number;
}

export const createTally = (): PromptTally => {
  let chars = 0;
  let images = 0;
  return {
    text: (text) => {
      chars += text.length;
    },
    image: () => {
      images += 1;
    },
    get chars() {
      return chars;
    },
    get images() {
      return images;
    },
  };
};

/** Adds a described tool to the prompt's count and gives it back. */
export const toolOf = (
  tally: PromptTally,
  { name, description, schema }: { name: string; description: unknown; schema: Json },
): SandboxTool => {
  tally.text(name + String(description ?? '') + JSON.stringify(schema));
  return { name, schema };
};

// The one model that nobody offers, so that a client can meet the provider's refusal.
const MISSING_MODEL = 'missing';

/** Refuses the one model that does not exist. @throws SandboxRefusal 404 */
export const checkModel = (model: string): void => {
  if (model === MISSING_MODEL) {
    throw new SandboxRefusal(404, `The model \`${model}\` does not exist or you do not have access to it.`, 'model', {
      code: 'model_not_found',
    });
  }
};

/** When every reply of the sandbox was made: the same request gets the same bytes at any time. */
export const CREATED_S = 1_767_225_600;

/** `text` in pieces of at most `size` characters; none where it is empty. */
export const piecesOfSize = (text: string, size: number): readonly string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
