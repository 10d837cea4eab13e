/**
 * What clients ask for, feature by feature, as each protocol says it: the rows of the table of what translates. A
 * feature that a protocol has no word for is left out of its column.
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
  said,
} from './features-fixture.ts';

export const FEATURES: readonly Feature[] = [
  ...CONTENT_FEATURES,
  {
    name: 'JSON without a schema',
    asked: {
      chat: chat({ response_format: { type: 'json_object' } }),
      responses: responses({ text: { format: { type: 'json_object' } } }),
      generate: configured({ responseMimeType: 'application/json' }),
    },
  },
  {
    name: 'JSON by a schema',
    asked: {
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
    name: 'limit of the reply',
    asked: {
      chat: chat({ max_completion_tokens: 77 }),
      responses: responses({ max_output_tokens: 77 }),
      messages: messages({ max_tokens: 77 }),
      generate: configured({ maxOutputTokens: 77 }),
    },
  },
  {
    name: 'temperature up to 1',
    asked: {
      chat: chat({ temperature: 0.5 }),
      responses: responses({ temperature: 0.5 }),
      messages: messages({ temperature: 0.5 }),
      generate: configured({ temperature: 0.5 }),
    },
  },
  {
    name: 'temperature above 1',
    asked: {
      chat: chat({ temperature: 1.5 }),
      responses: responses({ temperature: 1.5 }),
      generate: configured({ temperature: 1.5 }),
    },
  },
  {
    name: 'top_p',
    asked: {
      chat: chat({ top_p: 0.5 }),
      responses: responses({ top_p: 0.5 }),
      messages: messages({ top_p: 0.5 }),
      generate: configured({ topP: 0.5 }),
    },
  },
  { name: 'top_k', asked: { messages: messages({ top_k: 5 }), generate: configured({ topK: 5 }) } },
  {
    name: 'frequency and presence penalties',
    asked: {
      chat: chat({ frequency_penalty: 0.5, presence_penalty: 0.5 }),
      generate: configured({ frequencyPenalty: 0.5, presencePenalty: 0.5 }),
    },
  },
  {
    name: 'stop sequences, up to four',
    asked: {
      chat: chat({ stop: ['a', 'b'] }),
      messages: messages({ stop_sequences: ['a', 'b'] }),
      generate: configured({ stopSequences: ['a', 'b'] }),
    },
  },
  {
    name: 'stop sequences, five',
    asked: {
      messages: messages({ stop_sequences: ['a', 'b', 'c', 'd', 'e'] }),
      generate: configured({ stopSequences: ['a', 'b', 'c', 'd', 'e'] }),
    },
  },
  { name: 'several replies', asked: { chat: chat({ n: 2 }), generate: configured({ candidateCount: 2 }) } },
  { name: 'seed', asked: { chat: chat({ seed: 7 }), generate: configured({ seed: 7 }) } },
  {
    name: 'log probabilities',
    asked: {
      chat: chat({ logprobs: true, top_logprobs: 2 }),
      responses: responses({ include: ['message.output_text.logprobs'], top_logprobs: 2 }),
      generate: configured({ responseLogprobs: true, logprobs: 2 }),
    },
  },
  { name: 'biases of tokens', asked: { chat: chat({ logit_bias: { 5: 1 } }) } },
  {
    name: 'effort of reasoning',
    asked: {
      chat: chat({ reasoning_effort: 'low' }),
      responses: responses({ reasoning: { effort: 'low' } }),
      messages: messages({ output_config: { effort: 'low' } }),
      generate: configured({ thinkingConfig: { thinkingLevel: 'LOW' } }),
    },
  },
  {
    name: 'budget of thinking',
    asked: {
      messages: messages({ max_tokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } }),
      generate: configured({ thinkingConfig: { thinkingBudget: 2_000 } }),
    },
    without: { messages: messages({ max_tokens: 4_000 }) },
  },
  {
    name: 'thinking given back',
    asked: {
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
            content: [{ type: 'thinking', thinking: 'hm', signature: 's' }, said('Hello')],
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
          { role: 'assistant', content: [said('Hello')] },
          { role: 'user', content: HI },
        ],
      }),
    },
  },
  {
    name: 'marks for the cache',
    asked: { messages: messages({}, [{ ...said(HI), cache_control: { type: 'ephemeral' } }]) },
    without: { messages: messages({}, [said(HI)]) },
  },
  {
    name: "the end user's id",
    asked: {
      chat: chat({ safety_identifier: 'u' }),
      responses: responses({ safety_identifier: 'u' }),
      messages: messages({ metadata: { user_id: 'u' } }),
    },
  },
  {
    name: 'a tier of service',
    asked: {
      chat: chat({ service_tier: 'flex' }),
      responses: responses({ service_tier: 'flex' }),
      messages: messages({ service_tier: 'standard_only' }),
    },
  },
  {
    name: 'length of words (verbosity)',
    asked: { chat: chat({ verbosity: 'low' }), responses: responses({ text: { verbosity: 'low' } }) },
  },
  {
    name: 'keeping the reply at the provider',
    asked: { chat: chat({ store: true }), responses: responses({ store: true }) },
    without: { chat: chat({}), responses: responses({ store: false }) },
  },
  {
    name: 'settings of safety',
    asked: {
      generate: generate({
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
      }),
    },
  },
  {
    name: 'unknown fields',
    asked: {
      chat: chat({ x_new: 1 }),
      responses: responses({ x_new: 1 }),
      messages: messages({ x_new: 1 }),
      generate: generate({ xNew: 1 }),
    },
  },
];
