import table from './compatible-providers.json' with { type: 'json' };

/**
 * An OpenAI-compatible provider and its differences from OpenAI. A new provider needs an entry of the table only: the
 * catalog, the settings and the adapter are derived from it. A missing field means the same behaviour as OpenAI's.
 */
export interface CompatibleProvider {
  /** Business key, also part of the names of its settings. */
  readonly provider: string;
  readonly provider_name: string;
  /** Null if each account or each installation has its own. */
  readonly base_url: string | null;
  /** Source of these facts: the provider's documentation. */
  readonly docs: string;
  /**
   * Path of the check of a key; by default `/models`. Null if that path checks no key: then the check is a chat of
   * one token.
   */
  readonly probe?: string | null | undefined;
  /** Path of chat completions after the base URL; `{model}` is the provider's name of the model. */
  readonly path?: string | undefined;
  /** Query parameters; those of a configured base URL take precedence. */
  readonly query?: Texts | undefined;
  /** Header that carries the plain key; by default `authorization: Bearer …`. */
  readonly key_header?: string | undefined;
  /** The provider's names of fields, by OpenAI's name. */
  readonly renames?: Texts | undefined;
  /** Fields that it does not support. A value without effect (`n: 1`) is left out instead. */
  readonly refuses?: readonly string[] | undefined;
  /** Fields that cause costs which its price does not contain. */
  readonly unpriced?: readonly string[] | undefined;
  /** Fields that it refuses although they change no response: labels and hints. They are left out. */
  readonly ignores?: readonly string[] | undefined;
  /** Extensions of the pivot form that it supports: `top_k`. */
  readonly takes?: readonly string[] | undefined;
  /** False: instructions are sent with the role `system`. */
  readonly developer_role?: boolean | undefined;
  /** False: it reports usage in streams without a request for it, and refuses that request. */
  readonly stream_options?: boolean | undefined;
  /** The provider's values of tool_choice, by OpenAI's value; null if its default has the same meaning. */
  readonly tool_choices?: Texts | undefined;
  /** False: tool_choice cannot name one tool. */
  readonly named_tool_choice?: boolean | undefined;
  /** Required number of letters and digits in ids of tool calls. Other ids are replaced consistently. */
  readonly tool_call_id_letters?: number | undefined;
  /** Supported types of response_format. */
  readonly response_formats?: readonly string[] | undefined;
  /** Field of its messages that holds reasoning; by default `reasoning_content`. */
  readonly reasoning?: string | undefined;
  /** True if messages with tool calls must be sent back with their reasoning. */
  readonly wants_reasoning_back?: boolean | undefined;
  /** OpenAI's finish reasons, by the provider's. */
  readonly finish_reasons?: Texts | undefined;
  readonly usage?: UsageProfile | undefined;
  /** Missing if it has no embeddings. The fields mean the same as those of chats above. */
  readonly embeddings?: EmbeddingsEntry | undefined;
  /** Missing if it has no sessions over WebSocket. `path` means the same as above. */
  readonly realtime?: { readonly path?: string | undefined } | undefined;
  /** Missing if it has no endpoint for speech, or for transcriptions. `path` means the same as above. */
  readonly speech?: { readonly path?: string | undefined } | undefined;
  readonly transcriptions?: { readonly path?: string | undefined } | undefined;
  /** Name of the provider in the price data. */
  readonly prices?: string | undefined;
  /** Initial models of the catalog. */
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
  /** By default chat. */
  readonly kind?: string | undefined;
  /** The provider's own name of the model, if it differs. */
  readonly served_as?: string | undefined;
  /** Name of the model in the price data, if it differs. */
  readonly priced_as?: string | undefined;
  /** Limits that the price data lacks. */
  readonly context_window_tokens?: number | undefined;
  readonly max_output_tokens?: number | undefined;
  readonly vision?: boolean | undefined;
}

/** Location of the usage in a provider's response. */
export interface UsageProfile {
  /** Possible paths in a response or a frame; by default `usage`. */
  readonly at?: readonly string[] | undefined;
  /** Field of the usage with the cached tokens, if they are not in `prompt_tokens_details`. */
  readonly cached?: string | undefined;
  /** The same for reasoning tokens. */
  readonly reasoning?: string | undefined;
  /** True if `completion_tokens` excludes reasoning tokens, which are charged too. */
  readonly reasoning_is_apart?: boolean | undefined;
}

type Texts = Readonly<Record<string, string | null | undefined>>;

/** All OpenAI-compatible providers. */
export const COMPATIBLE_PROVIDERS: readonly CompatibleProvider[] = table;

/** `AZURE_OPENAI_API_KEY` and `AZURE_OPENAI_BASE_URL` of `azure-openai`. */
export const variablesOf = (
  provider: string,
): { readonly api_key: `${string}_API_KEY`; readonly base_url: `${string}_BASE_URL` } => {
  const name = provider.toUpperCase().replaceAll('-', '_');
  return { api_key: `${name}_API_KEY`, base_url: `${name}_BASE_URL` };
};
