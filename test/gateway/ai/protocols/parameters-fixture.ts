/**
 * Requests of each feature as each protocol writes them: the rows of the translation table. A protocol without the
 * feature has no request.
 */
import {
  CONTENT_FEATURES,
  chat,
  configured,
  type Feature,
  generate,
  HI,
  messages,
  responses,
  SCHEMA,
  textPart,
} from './features-fixture.ts';

export const FEATURES: readonly Feature[] = [
  ...CONTENT_FEATURES,
  {
    name: 'JSON without a schema',
    request: {
      chat: chat({ response_format: { type: 'json_object' } }),
      responses: responses({ text: { format: { type: 'json_object' } } }),
      generate: configured({ responseMimeType: 'application/json' }),
    },
  },
  {
    name: 'JSON with a schema',
    request: {
      chat: chat({
        response_format: { type: 'json_schema', json_schema: { name: 'o', schema: SCHEMA, strict: true } },
      }),
      responses: responses({
        text: { format: { type: 'json_schema', name: 'o', schema: SCHEMA, strict: true } },
      }),
      messages: messages({ output_config: { format: { type: 'json_schema', schema: SCHEMA } } }),
      generate: configured({ responseMimeType: 'application/json', responseJsonSchema: SCHEMA }),
    },
  },
  {
    name: 'output token limit',
    request: {
      chat: chat({ max_completion_tokens: 77 }),
      responses: responses({ max_output_tokens: 77 }),
      messages: messages({ max_tokens: 77 }),
      generate: configured({ maxOutputTokens: 77 }),
    },
  },
  {
    name: 'temperature up to 1',
    request: {
      chat: chat({ temperature: 0.5 }),
      responses: responses({ temperature: 0.5 }),
      messages: messages({ temperature: 0.5 }),
      generate: configured({ temperature: 0.5 }),
    },
  },
  {
    name: 'temperature above 1',
    request: {
      chat: chat({ temperature: 1.5 }),
      responses: responses({ temperature: 1.5 }),
      generate: configured({ temperature: 1.5 }),
    },
  },
  {
    name: 'top_p',
    request: {
      chat: chat({ top_p: 0.5 }),
      responses: responses({ top_p: 0.5 }),
      messages: messages({ top_p: 0.5 }),
      generate: configured({ topP: 0.5 }),
    },
  },
  { name: 'top_k', request: { messages: messages({ top_k: 5 }), generate: configured({ topK: 5 }) } },
  {
    name: 'frequency and presence penalties',
    request: {
      chat: chat({ frequency_penalty: 0.5, presence_penalty: 0.5 }),
      generate: configured({ frequencyPenalty: 0.5, presencePenalty: 0.5 }),
    },
  },
  {
    name: 'stop sequences, up to four',
    request: {
      chat: chat({ stop: ['a', 'b'] }),
      messages: messages({ stop_sequences: ['a', 'b'] }),
      generate: configured({ stopSequences: ['a', 'b'] }),
    },
  },
  {
    name: 'stop sequences, five',
    request: {
      messages: messages({ stop_sequences: ['a', 'b', 'c', 'd', 'e'] }),
      generate: configured({ stopSequences: ['a', 'b', 'c', 'd', 'e'] }),
    },
  },
  { name: 'several choices', request: { chat: chat({ n: 2 }), generate: configured({ candidateCount: 2 }) } },
  { name: 'seed', request: { chat: chat({ seed: 7 }), generate: configured({ seed: 7 }) } },
  {
    name: 'log probabilities',
    request: {
      chat: chat({ logprobs: true, top_logprobs: 2 }),
      responses: responses({ include: ['message.output_text.logprobs'], top_logprobs: 2 }),
      generate: configured({ responseLogprobs: true, logprobs: 2 }),
    },
  },
  { name: 'logit bias', request: { chat: chat({ logit_bias: { 5: 1 } }) } },
  {
    name: 'reasoning effort',
    request: {
      chat: chat({ reasoning_effort: 'low' }),
      responses: responses({ reasoning: { effort: 'low' } }),
      messages: messages({ output_config: { effort: 'low' } }),
      generate: configured({ thinkingConfig: { thinkingLevel: 'LOW' } }),
    },
  },
  {
    name: 'thinking budget',
    request: {
      messages: messages({ max_tokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } }),
      generate: configured({ thinkingConfig: { thinkingBudget: 2_000 } }),
    },
    without: { messages: messages({ max_tokens: 4_000 }) },
  },
  {
    name: 'thinking sent back',
    request: {
      responses: responses({
        input: [
          { role: 'user', content: HI },
          { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'b3BhcXVl' },
          { role: 'assistant', content: 'Hello' },
          { role: 'user', content: HI },
        ],
      }),
      messages: messages({
        messages: [
          { role: 'user', content: HI },
          {
            role: 'assistant',
            content: [{ type: 'thinking', thinking: 'hm', signature: 's' }, textPart('Hello')],
          },
          { role: 'user', content: HI },
        ],
      }),
    },
    without: {
      responses: responses({
        input: [
          { role: 'user', content: HI },
          { role: 'assistant', content: 'Hello' },
          { role: 'user', content: HI },
        ],
      }),
      messages: messages({
        messages: [
          { role: 'user', content: HI },
          { role: 'assistant', content: [textPart('Hello')] },
          { role: 'user', content: HI },
        ],
      }),
    },
  },
  {
    name: 'cache control',
    request: { messages: messages({}, [{ ...textPart(HI), cache_control: { type: 'ephemeral' } }]) },
    without: { messages: messages({}, [textPart(HI)]) },
  },
  {
    name: "end user's id",
    request: {
      chat: chat({ safety_identifier: 'u' }),
      responses: responses({ safety_identifier: 'u' }),
      messages: messages({ metadata: { user_id: 'u' } }),
    },
  },
  {
    name: 'service tier',
    request: {
      chat: chat({ service_tier: 'flex' }),
      responses: responses({ service_tier: 'flex' }),
      messages: messages({ service_tier: 'standard_only' }),
    },
  },
  {
    name: 'verbosity',
    request: { chat: chat({ verbosity: 'low' }), responses: responses({ text: { verbosity: 'low' } }) },
  },
  {
    name: 'stored response',
    request: { chat: chat({ store: true }), responses: responses({ store: true }) },
    without: { chat: chat({}), responses: responses({ store: false }) },
  },
  {
    name: 'safety settings',
    request: {
      generate: generate({
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
      }),
    },
  },
  {
    name: 'unknown fields',
    request: {
      chat: chat({ x_new: 1 }),
      responses: responses({ x_new: 1 }),
      messages: messages({ x_new: 1 }),
      generate: generate({ xNew: 1 }),
    },
  },
];
