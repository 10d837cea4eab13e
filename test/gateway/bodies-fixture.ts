import fc from 'fast-check';

export const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, '', '\0', '\ud800', '__proto__', 'constructor', [], {}),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Mostly valid values, sometimes others. */
const mostly = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: strange });

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    'use f',
    '[[sandbox: status=500, only=openai]]',
    '[[sandbox: garbage]]',
    '[[sandbox: wrong_type]]',
    '[[sandbox: tokens=0]]',
    '[[sandbox: cut_after=2]]',
    '[[sandbox: error_after=2]]',
    '[[sandbox: nothing]]',
    '<|endoftext|>',
  ),
);

const part = fc.oneof(
  fc.record({ type: fc.constant('text'), text: mostly(text) }),
  fc.record({
    type: fc.constant('image_url'),
    image_url: mostly(fc.record({ url: fc.constant('data:image/png;base64,AAAA') })),
  }),
  fc.record({ type: fc.constantFrom('file', 'input_audio', 'refusal', 'x'), text: mostly(text) }),
);

const tool_call = fc.record({
  id: mostly(fc.constant('call_1')),
  type: mostly(fc.constant('function')),
  function: mostly(fc.record({ name: fc.constant('f'), arguments: mostly(fc.constantFrom('{}', '{"a":1}', '', '[')) })),
});

const message = fc.record(
  {
    role: mostly(fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'function')),
    content: mostly(fc.oneof(text, fc.array(mostly(part), { maxLength: 3 }))),
    tool_calls: mostly(fc.array(mostly(tool_call), { maxLength: 2 })),
    tool_call_id: mostly(fc.constant('call_1')),
    name: mostly(text),
  },
  { requiredKeys: ['role', 'content'] },
);

export const chat = fc.record(
  {
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    messages: mostly(fc.array(mostly(message), { minLength: 1, maxLength: 4 })),
    stream: mostly(fc.boolean()),
    stream_options: mostly(fc.record({ include_usage: fc.boolean() })),
    max_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    max_completion_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    n: mostly(fc.integer({ min: 1, max: 2 })),
    temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
    tools: mostly(
      fc.array(
        mostly(
          fc.record({
            type: mostly(fc.constant('function')),
            function: mostly(fc.record({ name: mostly(fc.constant('f')), parameters: strange })),
          }),
        ),
        { maxLength: 2 },
      ),
    ),
    tool_choice: mostly(fc.constantFrom('auto', 'none', 'required')),
    response_format: mostly(fc.record({ type: fc.constantFrom('text', 'json_object', 'json_schema') })),
    stop: mostly(fc.array(text, { maxLength: 2 })),
    x_unknown: strange,
  },
  { requiredKeys: ['model', 'messages'] },
);

export const unified = fc.record(
  {
    prompt: mostly(text),
    messages: mostly(
      fc.array(fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: mostly(text) }), {
        maxLength: 3,
      }),
    ),
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    type: mostly(fc.constantFrom('completion', 'medical_analysis')),
    priority: mostly(fc.constantFrom('basic', 'standard', 'premium')),
    max_cost: mostly(fc.constantFrom(1, 0.01, '0.5', '0.000001')),
    max_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
    stream: mostly(fc.boolean()),
    x_unknown: strange,
  },
  { requiredKeys: [] },
);

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text: mostly(text) }),
  fc.record({
    type: fc.constant('image'),
    source: mostly(
      fc.record({
        type: mostly(fc.constant('base64')),
        media_type: mostly(fc.constant('image/png')),
        data: mostly(fc.constant('AAAA')),
      }),
    ),
  }),
  fc.record({
    type: fc.constant('document'),
    source: mostly(
      fc.record({ type: fc.constantFrom('text', 'content', 'url'), data: mostly(text), content: strange }),
    ),
    title: strange,
  }),
  fc.record({
    type: fc.constant('tool_use'),
    id: mostly(fc.constant('toolu_1')),
    name: mostly(fc.constant('f')),
    input: mostly(fc.constant({ a: 1 })),
  }),
  fc.record({
    type: fc.constant('tool_result'),
    tool_use_id: mostly(fc.constant('toolu_1')),
    content: mostly(text),
    is_error: mostly(fc.boolean()),
  }),
  fc.record({ type: fc.constantFrom('thinking', 'search_result', 'x'), thinking: strange, content: strange }),
);

export const messages = fc.record(
  {
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    max_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    system: mostly(text),
    messages: mostly(
      fc.array(
        mostly(
          fc.record({
            role: mostly(fc.constantFrom('user', 'assistant')),
            content: mostly(fc.oneof(text, fc.array(mostly(block), { minLength: 1, maxLength: 3 }))),
          }),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    ),
    stream: mostly(fc.boolean()),
    temperature: mostly(fc.double({ min: 0, max: 1, noNaN: true })),
    tools: mostly(
      fc.array(
        mostly(
          fc.record({
            name: mostly(fc.constant('f')),
            input_schema: mostly(fc.constant({ type: 'object' })),
          }),
        ),
        { maxLength: 2 },
      ),
    ),
    tool_choice: mostly(
      fc.record({
        type: mostly(fc.constantFrom('auto', 'any', 'tool', 'none')),
        name: mostly(fc.constant('f')),
      }),
    ),
    thinking: mostly(fc.record({ type: fc.constant('enabled'), budget_tokens: mostly(fc.constant(2_000)) })),
    output_config: mostly(fc.record({ effort: mostly(fc.constantFrom('low', 'max')), format: strange })),
    metadata: mostly(fc.record({ user_id: mostly(fc.constant('u')) })),
    x_unknown: strange,
  },
  { requiredKeys: ['model', 'messages', 'max_tokens'] },
);

const input = fc.oneof(
  text,
  fc.array(mostly(text), { minLength: 1, maxLength: 3 }),
  fc.array(mostly(fc.nat()), { minLength: 1, maxLength: 3 }),
  fc.array(mostly(fc.array(mostly(fc.nat()), { maxLength: 3 })), { minLength: 1, maxLength: 3 }),
);

export const embeddings = fc.record(
  {
    model: mostly(fc.constantFrom('text-embedding-3-small', 'text-embedding-3-large')),
    input: mostly(input),
    dimensions: mostly(fc.integer({ min: 1, max: 8 })),
    encoding_format: mostly(fc.constantFrom('float', 'base64')),
    user: mostly(text),
    x_unknown: strange,
  },
  { requiredKeys: ['model', 'input'] },
);

export const unifiedEmbeddings = fc.record(
  {
    input: mostly(fc.oneof(text, fc.array(mostly(text), { minLength: 1, maxLength: 3 }))),
    model: mostly(fc.constantFrom('text-embedding-3-small', 'gpt-4o-mini')),
    dimensions: mostly(fc.integer({ min: 1, max: 8 })),
    max_cost: mostly(fc.constantFrom(1, '0.5', '0.000001')),
  },
  { requiredKeys: ['input'] },
);

const item = fc.oneof(
  fc.record({
    role: mostly(fc.constantFrom('user', 'assistant', 'system', 'developer')),
    content: mostly(
      fc.oneof(
        text,
        fc.array(
          mostly(
            fc.oneof(
              fc.record({ type: fc.constantFrom('input_text', 'output_text'), text: mostly(text) }),
              fc.record({
                type: fc.constant('input_image'),
                image_url: mostly(fc.constant('data:image/png;base64,AAAA')),
              }),
              fc.record({ type: fc.constantFrom('input_file', 'refusal', 'x'), file_data: strange }),
            ),
          ),
          { maxLength: 3 },
        ),
      ),
    ),
  }),
  fc.record({
    type: fc.constant('function_call'),
    call_id: mostly(fc.constant('call_1')),
    name: mostly(fc.constant('f')),
    arguments: mostly(fc.constantFrom('{}', '{"a":1}', '[')),
  }),
  fc.record({
    type: fc.constant('function_call_output'),
    call_id: mostly(fc.constant('call_1')),
    output: mostly(text),
  }),
  fc.record({
    type: fc.constantFrom('reasoning', 'item_reference', 'x'),
    summary: strange,
    encrypted_content: strange,
  }),
);

export const responses = fc.record(
  {
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    input: mostly(fc.oneof(text, fc.array(mostly(item), { minLength: 1, maxLength: 4 }))),
    instructions: mostly(text),
    stream: mostly(fc.boolean()),
    max_output_tokens: mostly(fc.integer({ min: 16, max: 50 })),
    temperature: mostly(fc.double({ min: 0, max: 1, noNaN: true })),
    tools: mostly(
      fc.array(
        mostly(
          fc.record({
            type: mostly(fc.constantFrom('function', 'web_search')),
            name: mostly(fc.constant('f')),
            parameters: mostly(fc.constant({ type: 'object' })),
          }),
        ),
        { maxLength: 2 },
      ),
    ),
    tool_choice: mostly(fc.constantFrom('auto', 'none', 'required')),
    text: mostly(fc.record({ format: mostly(fc.constantFrom({ type: 'text' }, { type: 'json_schema' })) })),
    reasoning: mostly(fc.record({ effort: mostly(fc.constantFrom('low', 'high')), summary: strange })),
    include: mostly(fc.array(mostly(fc.constant('reasoning.encrypted_content')), { maxLength: 2 })),
    store: mostly(fc.boolean()),
    previous_response_id: strange,
    x_unknown: strange,
  },
  { requiredKeys: ['model', 'input'] },
);

export const images = fc.record(
  {
    model: mostly(fc.constantFrom('gpt-image-1', 'gpt-image-1-mini')),
    prompt: mostly(text),
    n: mostly(fc.integer({ min: 1, max: 2 })),
    size: mostly(fc.constantFrom('auto', '1024x1024')),
    quality: mostly(fc.constantFrom('low', 'high')),
    stream: mostly(fc.boolean()),
    partial_images: mostly(fc.integer({ min: 0, max: 2 })),
    x_unknown: strange,
  },
  { requiredKeys: ['prompt'] },
);

// The bodies are the same in each run, so that a failure can be reproduced. FUZZ_SEED selects others.
export const SEED = Number(process.env.FUZZ_SEED ?? 1);

/** A number of samples. */
export const sample = (bodies: fc.Arbitrary<unknown>, runs: number): readonly unknown[] =>
  fc.sample(bodies, { numRuns: runs, seed: SEED });
