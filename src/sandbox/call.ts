/** What the sandbox understands of a call, whichever protocol it came in. */
export interface SandboxCall {
  readonly model: string;
  readonly stream: boolean;
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
}

export interface SandboxTool {
  readonly name: string;
  readonly schema: Json;
}

export interface SandboxReply {
  /** The text, a token a piece; empty where tools are called. */
  readonly pieces: readonly string[];
  readonly tool_calls: readonly { readonly name: string; readonly input: Json }[];
  readonly finish: 'stop' | 'length' | 'tool_calls';
  readonly completion_tokens: number;
}

/** How one protocol writes what the sandbox says. */
export interface Wire {
  readonly protocol: 'openai' | 'anthropic';
  /** @throws SandboxRefusal */
  parse(body: Json): SandboxCall;
  /** The JSON of a whole reply. */
  whole(call: SandboxCall, reply: SandboxReply, seed: string): Json;
  /** The server-sent events of a streamed reply, as they stand on the wire. */
  frames(call: SandboxCall, reply: SandboxReply, seed: string): string[];
  error(refusal: SandboxRefusal, request_id: string): Json;
  /** An error in the middle of a stream, as it stands on the wire. */
  errorFrame(): string;
  /** A streamed frame that is of the right form but not of the right types. */
  wrongFrame(): string;
  /** The header that carries the request's id. */
  readonly request_id_header: string;
}

export type Json = Record<string, unknown>;

/** What a provider would refuse, in words such as it would use. */
export class SandboxRefusal extends Error {
  readonly status: number;
  readonly param: string | null;

  constructor(status: number, message: string, param: string | null = null) {
    super(message);
    this.name = 'SandboxRefusal';
    this.status = status;
    this.param = param;
  }
}

export const isJsonObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const CHARS_PER_TOKEN = 4;
const TOKENS_PER_IMAGE = 85;

/** The sandbox's own count: four characters a token, 85 tokens an image. */
export const tokensOf = (chars: number, images = 0): number =>
  Math.ceil(chars / CHARS_PER_TOKEN) + images * TOKENS_PER_IMAGE;

/** Adds up what a prompt holds, in the same way for both protocols. */
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
