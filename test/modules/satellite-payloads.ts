/** A contact that differs by its bytes. */
export const piiOf = (value: number) => ({
  pii_encrypted: `0${value}`.repeat(40),
  subject_key_id: '00000000-0000-7000-a000-000000000001',
  encryption_algorithm: 'AES-256-GCM' as const,
});

/** A price list that differs by its first price. */
export const priceOf = (value: number, is_offered: boolean) => ({
  provider_model_name: 'model',
  input_price: String(value),
  output_price: null,
  cached_input_price: null,
  cache_write_price: null,
  reasoning_price: null,
  audio_input_price: null,
  audio_output_price: null,
  image_price: null,
  request_price: null,
  price_source: 'test',
  is_offered,
});

/** A model that differs by its context. */
export const modelOf = (value: number, is_active: boolean) => ({
  model_name: 'Model',
  model_family: null,
  capabilities: ['chat'],
  context_window_tokens: 1_000 + value,
  max_output_tokens: null,
  quality_score: null,
  is_active,
});

/** A provider that differs by its limit. */
export const providerOf = (value: number, is_active: boolean) => ({
  provider_name: 'Somebody',
  protocol: 'openai' as const,
  api_endpoint: 'https://somebody.example/v1',
  models_available: null,
  cost_per_1k_tokens: null,
  max_tokens_per_request: null,
  requests_per_minute_limit: value,
  current_latency_ms: null,
  current_availability_percent: null,
  quality_score: null,
  is_active,
});
