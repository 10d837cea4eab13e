import table from './compatible-providers.json' with { type: 'json' };

/**
 * A provider whose API is made like OpenAI's, and how it departs from it. An entry of the table is all that a new one
 * needs: the catalog, the variables and the adapter come from it. What is absent is as OpenAI has it.
 */
export interface CompatibleProvider {
  /** The business key, which names its variables too. */
  readonly provider: string;
  readonly provider_name: string;
  /** Null where each account, or each installation, has its own. */
  readonly base_url: string | null;
  /** Where the provider says all this. */
  readonly docs: string;
  /**
   * What is asked to see whether a key is accepted; absent: `/models`. Null where that tells nothing: then a chat of
   * one token is asked for.
   */
  readonly probe?: string | null | undefined;
  /** Of chat completions, after the base URL; `{model}` is the provider's name of the model. */
  readonly path?: string | undefined;
  /** Parameters of the address; those in a configured base URL go before. */
  readonly query?: Texts | undefined;
  /** The header that carries the key alone; absent: `authorization: Bearer …`. */
  readonly key_header?: string | undefined;
  /** By OpenAI's name of a field, the provider's. */
  readonly renames?: Texts | undefined;
  /** Fields that it cannot do; a value that asks for nothing (`n: 1`) is left out instead. */
  readonly refuses?: readonly string[] | undefined;
  /** Fields that make a call cost what its price does not tell. */
  readonly unpriced?: readonly string[] | undefined;
  /** Fields that it refuses to see and that change no reply: labels and hints. */
  readonly ignores?: readonly string[] | undefined;
  /** Extensions of the pivot form that it takes: `top_k`. */
  readonly takes?: readonly string[] | undefined;
  /** False: instructions are told as the role `system`. */
  readonly developer_role?: boolean | undefined;
  /** False: it tells usage in streams without being asked, and refuses the asking. */
  readonly stream_options?: boolean | undefined;
  /** By OpenAI's word of a tool_choice, the provider's; null where leaving it out says the same. */
  readonly tool_choices?: Texts | undefined;
  /** False: a tool_choice cannot name one tool. */
  readonly named_tool_choice?: boolean | undefined;
  /** How many letters and digits ids of tool calls must have; other ids are replaced, the same by the same. */
  readonly tool_call_id_letters?: number | undefined;
  /** The types of response_format that it knows. */
  readonly response_formats?: readonly string[] | undefined;
  /** The field of its messages that holds reasoning; absent: `reasoning_content`. */
  readonly reasoning?: string | undefined;
  /** Whether it wants the reasoning of its messages that call tools back with them. */
  readonly wants_reasoning_back?: boolean | undefined;
  /** By its own finish reason, OpenAI's. */
  readonly finish_reasons?: Texts | undefined;
  readonly usage?: UsageProfile | undefined;
  /** Absent where it has none. The fields mean what those above do for chats. */
  readonly embeddings?: EmbeddingsEntry | undefined;
  /** Absent where it has no sessions over WebSocket; `path` is as above. */
  readonly realtime?: { readonly path?: string | undefined } | undefined;
  /** Whose prices hold, by the name that the price data has of it. */
  readonly prices?: string | undefined;
  /** What the catalog begins with. */
  readonly models?: readonly CompatibleModel[] | undefined;
}

interface EmbeddingsEntry {
  readonly path?: string | undefined;
  readonly renames?: Texts | undefined;
  readonly refuses?: readonly string[] | undefined;
  readonly ignores?: readonly string[] | undefined;
}

export interface CompatibleModel {
  readonly model: string;
  readonly family: string;
  /** Chat where nothing is said. */
  readonly kind?: string | undefined;
  /** The provider's own name of the model, where it is another. */
  readonly served_as?: string | undefined;
  /** The price data's name of it, where that is another. */
  readonly priced_as?: string | undefined;
  /** Limits that the price data does not tell. */
  readonly context_window_tokens?: number | undefined;
  readonly max_output_tokens?: number | undefined;
  readonly vision?: boolean | undefined;
}

/** Where a provider tells what a call used. */
export interface UsageProfile {
  /** Where it may stand in a reply or a frame, by path; absent: `usage`. */
  readonly at?: readonly string[] | undefined;
  /** The field of usage that holds the cached tokens, where they are not in `prompt_tokens_details`. */
  readonly cached?: string | undefined;
  /** Likewise of reasoning. */
  readonly reasoning?: string | undefined;
  /** Whether `completion_tokens` leaves out the reasoning, which is paid for all the same. */
  readonly reasoning_is_apart?: boolean | undefined;
}

type Texts = Readonly<Record<string, string | null | undefined>>;

/** Every provider of the family. */
export const COMPATIBLE_PROVIDERS: readonly CompatibleProvider[] = table;

/** `AZURE_OPENAI_API_KEY` and `AZURE_OPENAI_BASE_URL` of `azure-openai`. */
export const variablesOf = (
  provider: string,
): { readonly api_key: `${string}_API_KEY`; readonly base_url: `${string}_BASE_URL` } => {
  const name = provider.toUpperCase().replaceAll('-', '_');
  return { api_key: `${name}_API_KEY`, base_url: `${name}_BASE_URL` };
};
