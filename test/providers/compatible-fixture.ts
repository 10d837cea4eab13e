/**
 * Requests and responses of compatible providers from their own documentation, written by hand and not from the table,
 * so that they reveal a fault of the table.
 */

export interface RecordedProfile {
  readonly provider: string;
  /** Path of the base URL, below the test's server. */
  readonly base_path: string;
  readonly model: string;
  readonly url: string;
  readonly key: readonly [header: string, value: string];
  /** Fields of a client with OpenAI's own protocol, besides model and messages. */
  readonly client_fields: object;
  /** Complete body that the provider must get. */
  readonly sent: object;
  readonly response: object;
  readonly frames: readonly object[];
  readonly reported: {
    readonly text: string;
    readonly reasoning: string;
    readonly finish: string;
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly cached_tokens: number;
    readonly reasoning_tokens: number;
  };
}

const MESSAGES = [
  { role: 'developer', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
];
const AS_SYSTEM = [{ role: 'system', content: 'Be brief.' }, MESSAGES[1]];
const HEAD = { id: 'c1', object: 'chat.completion', created: 1_700_000_000, model: 'm' };
const CHUNK = { ...HEAD, object: 'chat.completion.chunk' };
const whole = (message: object, finish_reason: string, usage: object, more: object = {}) => ({
  ...HEAD,
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
  usage,
  ...more,
});
const delta = (content: object, finish_reason: string | null = null, more: object = {}) => ({
  ...CHUNK,
  choices: [{ index: 0, delta: content, finish_reason }],
  ...more,
});
const NOTHING_MORE = { cached_tokens: 0, reasoning_tokens: 0, reasoning: '' };
const USED = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const STREAMED = { stream: true, stream_options: { include_usage: true } };

export const RECORDED: readonly RecordedProfile[] = [
  {
    provider: 'azure-openai',
    base_path: '',
    model: 'my gpt/4o',
    url: '/openai/deployments/my%20gpt%2F4o/chat/completions?api-version=2024-10-21',
    key: ['api-key', 'k-1'],
    client_fields: { messages: MESSAGES, max_completion_tokens: 50, verbosity: 'medium' },
    sent: { model: 'my gpt/4o', messages: MESSAGES, max_completion_tokens: 50, ...STREAMED },
    response: whole({ content: 'Hi!' }, 'stop', USED, { prompt_filter_results: [{ prompt_index: 0 }] }),
    frames: [
      { ...CHUNK, id: '', model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      delta({ role: 'assistant', content: 'Hi!' }),
      delta({}, 'stop'),
      { ...CHUNK, choices: [], usage: USED },
    ],
    reported: { text: 'Hi!', finish: 'stop', prompt_tokens: 9, completion_tokens: 4, ...NOTHING_MORE },
  },
  {
    provider: 'mistral',
    base_path: '/v1',
    model: 'magistral-medium',
    url: '/v1/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: {
      messages: MESSAGES,
      max_completion_tokens: 50,
      seed: 7,
      user: 'u',
      n: 2,
      tool_choice: 'required',
      safe_prompt: true,
    },
    sent: {
      model: 'magistral-medium',
      messages: AS_SYSTEM,
      max_tokens: 50,
      random_seed: 7,
      n: 2,
      tool_choice: 'any',
      safe_prompt: true,
      stream: true,
    },
    response: whole(
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'Hi!' },
        ],
      },
      'model_length',
      { ...USED, num_cached_tokens: 3 },
    ),
    frames: [
      delta({ role: 'assistant', content: '' }),
      delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }),
      delta({ content: 'Hi!' }, 'model_length', { usage: { ...USED, num_cached_tokens: 3 } }),
    ],
    reported: {
      text: 'Hi!',
      reasoning: 'hm',
      finish: 'length',
      prompt_tokens: 9,
      completion_tokens: 4,
      cached_tokens: 3,
      reasoning_tokens: 0,
    },
  },
  {
    provider: 'groq',
    base_path: '/openai/v1',
    model: 'qwen/qwen3-32b',
    url: '/openai/v1/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: { messages: MESSAGES, n: 1, logprobs: false, logit_bias: {}, metadata: { a: 'b' }, seed: 7 },
    sent: { model: 'qwen/qwen3-32b', messages: AS_SYSTEM, seed: 7, ...STREAMED },
    response: whole({ content: 'Hi!', reasoning: 'hm' }, 'stop', USED, { x_groq: { id: 'req_1' } }),
    frames: [
      delta({ role: 'assistant', content: '' }, null, { x_groq: { id: 'req_1' } }),
      delta({ reasoning: 'hm' }),
      delta({ content: 'Hi!' }),
      delta({}, 'stop', { x_groq: { id: 'req_1', usage: { ...USED, queue_time: 0.01 } } }),
    ],
    reported: { ...NOTHING_MORE, text: 'Hi!', reasoning: 'hm', finish: 'stop', ...tokens(9, 4) },
  },
  {
    provider: 'deepseek',
    base_path: '',
    model: 'deepseek-v4-flash',
    url: '/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: { messages: MESSAGES, max_tokens: 60, response_format: { type: 'json_object' } },
    sent: {
      model: 'deepseek-v4-flash',
      messages: AS_SYSTEM,
      max_tokens: 60,
      ...STREAMED,
      response_format: { type: 'json_object' },
    },
    response: whole({ content: 'Hi!', reasoning_content: 'hm' }, 'stop', {
      ...USED,
      prompt_cache_hit_tokens: 5,
      prompt_cache_miss_tokens: 4,
      completion_tokens_details: { reasoning_tokens: 2 },
    }),
    frames: [
      delta({ role: 'assistant', content: null, reasoning_content: 'hm' }),
      delta({ content: 'Hi!', reasoning_content: null }),
      delta({ content: '' }, 'stop', {
        usage: {
          ...USED,
          prompt_cache_hit_tokens: 5,
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      }),
    ],
    reported: {
      text: 'Hi!',
      reasoning: 'hm',
      finish: 'stop',
      ...tokens(9, 4),
      cached_tokens: 5,
      reasoning_tokens: 2,
    },
  },
  {
    provider: 'xai',
    base_path: '/v1',
    model: 'grok-4-1-fast-reasoning',
    url: '/v1/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: { messages: MESSAGES, parallel_tool_calls: false, store: false },
    sent: {
      model: 'grok-4-1-fast-reasoning',
      messages: AS_SYSTEM,
      parallel_tool_calls: false,
      ...STREAMED,
    },
    response: whole({ content: 'Hi!', reasoning_content: 'hm' }, 'stop', {
      prompt_tokens: 9,
      completion_tokens: 4,
      total_tokens: 213,
      completion_tokens_details: { reasoning_tokens: 200 },
    }),
    frames: [
      delta({ role: 'assistant', reasoning_content: 'hm' }),
      delta({ content: 'Hi!' }, 'stop'),
      {
        ...CHUNK,
        choices: [],
        usage: {
          prompt_tokens: 9,
          completion_tokens: 4,
          total_tokens: 213,
          completion_tokens_details: { reasoning_tokens: 200 },
        },
      },
    ],
    reported: {
      text: 'Hi!',
      reasoning: 'hm',
      finish: 'stop',
      ...tokens(9, 204),
      cached_tokens: 0,
      reasoning_tokens: 200,
    },
  },
  {
    provider: 'cohere',
    base_path: '/compatibility/v1',
    model: 'command-a-03-2025',
    url: '/compatibility/v1/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: { messages: MESSAGES, max_completion_tokens: 50, tool_choice: 'auto', parallel_tool_calls: true },
    sent: { model: 'command-a-03-2025', messages: MESSAGES, max_tokens: 50, stream: true },
    response: whole({ content: 'Hi!' }, 'stop', USED),
    frames: [delta({ role: 'assistant', content: 'Hi!' }), delta({}, 'stop', { usage: USED })],
    reported: { text: 'Hi!', finish: 'stop', ...tokens(9, 4), ...NOTHING_MORE },
  },
  {
    provider: 'perplexity',
    base_path: '',
    model: 'sonar',
    url: '/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: { messages: MESSAGES, search_mode: 'academic', user: 'u' },
    sent: { model: 'sonar', messages: AS_SYSTEM, search_mode: 'academic', stream: true },
    response: whole({ content: 'Hi!' }, 'stop', { ...USED, reasoning_tokens: 2 }, { citations: ['https://a'] }),
    frames: [
      delta({ role: 'assistant', content: 'Hi' }, null, {
        usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
      }),
      delta({ content: '!' }, 'stop', { usage: { ...USED, reasoning_tokens: 2 }, citations: ['https://a'] }),
    ],
    reported: { ...NOTHING_MORE, text: 'Hi!', finish: 'stop', ...tokens(9, 4), reasoning_tokens: 2 },
  },
  {
    provider: 'together',
    base_path: '/v1',
    model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    url: '/v1/chat/completions',
    key: ['authorization', 'Bearer k-1'],
    client_fields: { messages: MESSAGES, repetition_penalty: 1.1, top_k: 40 },
    sent: {
      model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      messages: AS_SYSTEM,
      repetition_penalty: 1.1,
      top_k: 40,
      ...STREAMED,
    },
    response: whole({ content: 'Hi!', tool_calls: [] }, 'eos', USED),
    frames: [delta({ role: 'assistant', content: 'Hi!', token_id: 3 }), delta({ content: '' }, 'eos', { usage: USED })],
    reported: { text: 'Hi!', finish: 'stop', ...tokens(9, 4), ...NOTHING_MORE },
  },
];

function tokens(prompt_tokens: number, completion_tokens: number) {
  return { prompt_tokens, completion_tokens };
}
