import type { Knex } from 'knex';
import table from '../src/providers/compatible-providers.json' with { type: 'json' };
import { insertHubs, insertSatellites, SINCE_EVER } from './writing/vault-rows.ts';

/** The providers with compatibility profiles of OpenAI's protocol; some have no common address. */
const COMPATIBLE = table.map(({ provider, provider_name, base_url }) => ({
  provider,
  provider_name,
  protocol: 'openai',
  api_endpoint: base_url ?? '',
}));

const PROVIDERS = [
  {
    provider: 'openai',
    provider_name: 'OpenAI',
    protocol: 'openai',
    api_endpoint: 'https://api.openai.com/v1',
  },
  {
    provider: 'anthropic',
    provider_name: 'Anthropic',
    protocol: 'anthropic',
    api_endpoint: 'https://api.anthropic.com',
  },
  {
    provider: 'google',
    provider_name: 'Google',
    protocol: 'google',
    api_endpoint: 'https://generativelanguage.googleapis.com',
  },
  ...COMPATIBLE,
];

/** The providers whose protocols the gateway speaks. Limits and measures are not stated: they are measured. */
export const seed = async (knex: Knex): Promise<void> => {
  await insertHubs(
    knex,
    { table: 'gateway.ai_provider_h', hash_key: 'provider_hk', business_key: 'provider_bk' },
    PROVIDERS.map(({ provider }) => provider),
  );
  await insertSatellites(
    knex,
    {
      table: 'gateway.ai_provider_s',
      hash_key: 'provider_hk',
      parent: `util.hash_hub('ai_provider_h', util.encode_text(row.provider))`,
      key_columns: { provider: 'text' },
      payload: {
        provider_name: 'text',
        protocol: 'text',
        api_endpoint: 'text',
        models_available: 'text[]',
        cost_per_1k_tokens: 'number',
        max_tokens_per_request: 'number',
        requests_per_minute_limit: 'number',
        current_latency_ms: 'number',
        current_availability_percent: 'number',
        quality_score: 'number',
        is_active: 'boolean',
      },
    },
    PROVIDERS.map((provider) => ({ applied_date: SINCE_EVER, is_active: true, ...provider })),
  );
};
