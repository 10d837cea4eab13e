export type ProtocolName = 'openai' | 'anthropic' | 'google';

/** A call of any protocol, as far as the sandbox reads it. */
export interface SandboxCall {
  readonly model: string;
  readonly stream: boolean;
  /** True if a stream has server-sent events, false if it is one JSON list. */
  readonly sse: boolean;
  readonly include_usage: boolean;
  readonly prompt_tokens: number;
  /** The text of the last message of the user. */
  readonly user_text: string;
  readonly images: number;
  /** Results of tools in the last message; null if it has none. */
  readonly tool_result: string | null;
  readonly tools: readonly SandboxTool[];
  readonly tool_choice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallel_tool_calls: boolean;
  /** JSON Schema of the response; null for free text. */
  readonly schema: Json | null;
  readonly max_tokens: number | null;
  /** The response ends before the first of these texts. */
  readonly stop: readonly string[];
  /** Thinking before the response, and whether the client sees it. */
  readonly thinking: 'none' | 'hidden' | 'shown';
  /** The request's body. Some protocols repeat fields of it. */
  readonly body: Json;
}

export interface SandboxTool {
  readonly name: string;
  readonly schema: Json;
}

export interface SandboxResponse {
  /** Thoughts, one token in each; empty without thinking. */
  readonly thinking: readonly string[];
  /** Text, one token in each; empty if tools are called without text. */
  readonly pieces: readonly string[];
  readonly tool_calls: readonly SandboxToolCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'refused' | 'blocked';
  /** The stop text that ended the response; null if none did. */
  readonly stop_sequence: string | null;
  /** Without the tokens of `thinking`. */
  readonly completion_tokens: number;
  /** Tokens of the prompt that were read from a cache, and written to it. */
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

/** A refusal, with a message like the provider's own. */
export class SandboxRefusal extends Error {
  readonly status: number;
  readonly param: string | null;
  /** The provider's code for the error; null if the status decides it. */
  readonly code: string | null;
  /** Seconds after which the client may retry; null if the refusal names none. */
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

/** `value` if it is a list, else an empty list. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `value` if it is an object, else an empty object. */
export const objectOf = (value: unknown): Json => (isJsonObject(value) ? value : {});

const CHARS_PER_TOKEN = 4;
const TOKENS_PER_IMAGE = 85;

/** The sandbox's own count: one token for four characters, 85 tokens for an image. */
export const tokensOf = (chars: number, images = 0): number =>
  Math.ceil(chars / CHARS_PER_TOKEN) + images * TOKENS_PER_IMAGE;

/** Counts the content of a prompt, in the same way for every protocol. */
export interface PromptCounts {
  text(text: string): void;
  image(): void;
  readonly chars: number;
  readonly images: number;
}

export const createPromptCounts = (): PromptCounts => {
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

/** Adds the description of a tool to the prompt's counts. @returns the tool */
export const toolOf = (
  counts: PromptCounts,
  { name, description, schema }: { name: string; description: unknown; schema: Json },
): SandboxTool => {
  counts.text(name + String(description ?? '') + JSON.stringify(schema));
  return { name, schema };
};

// The only unknown model, so that a client can test the provider's refusal.
const MISSING_MODEL = 'missing';

/** Refuses the unknown model. @throws SandboxRefusal 404 */
export const checkModel = (model: string): void => {
  if (model === MISSING_MODEL) {
    throw new SandboxRefusal(404, `The model \`${model}\` does not exist or you do not have access to it.`, 'model', {
      code: 'model_not_found',
    });
  }
};

/** Creation time in every response. It is fixed, so that the same request always gets the same bytes. */
export const CREATED_S = 1_767_225_600;

/** `text` in pieces of at most `size` characters; no piece if it is empty. */
export const piecesOfSize = (text: string, size: number): readonly string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
