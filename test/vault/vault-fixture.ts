import { fileURLToPath } from 'node:url';
import type { Sql } from '../../src/postgres/connect.ts';
import { createLoader } from '../../src/vault/load.ts';
import { loadRegistry } from '../../src/vault/registry.ts';
import { type Content, createRowBuilder, type Stamp, type VaultRow } from '../../src/vault/rows.ts';

export const ENTITIES = fileURLToPath(new URL('../../vault/entities', import.meta.url));

export const registry = loadRegistry(ENTITIES);
export const rows = createRowBuilder(registry);
export const newLoader = () => createLoader({ registry, now: () => Date.parse('2026-11-21T10:00:00Z') });

/** A stamp of second `load` and second `applied` of one minute. */
export const stamp = (load: number, applied = load): Stamp => ({
  load_date: `2026-11-21T10:00:${String(load).padStart(2, '0')}.000Z`,
  applied_date: `2026-11-21T09:00:${String(applied).padStart(2, '0')}.000Z`,
  record_source: 'test',
});

export const tenant = (tenant_name: string): Content<'tenant_s'> => ({ tenant_name, billing_entity: 'Test' });

export const tenantKey = (tenant_bk: string): string => rows.hubKey('tenant_h', { tenant_bk });

/** A tenant's rows: hub and satellite. */
export const tenantRows = (tenant_bk: string, name: string, at: Stamp): VaultRow[] => [
  rows.hub('tenant_h', { tenant_bk }, at),
  rows.satellite('tenant_s', tenantKey(tenant_bk), tenant(name), at),
];

const OUTCOME: Content<'api_request_s'> = {
  request_timestamp: '2026-11-21T09:59:59.123Z',
  request_type: 'completion',
  endpoint: '/v1/chat/completions',
  model_requested: 'gpt-4o-mini',
  model_used: 'gpt-4o-mini',
  prompt_tokens: 1_200,
  completion_tokens: 300,
  total_tokens: 1_500,
  cached_tokens: 0,
  cache_write_tokens: null,
  reasoning_tokens: 0,
  request_latency_ms: 812,
  upstream_latency_ms: 809,
  time_to_first_token_ms: 210,
  provider_cost: '360000000',
  gateway_markup: '36000000',
  customer_cost: '396000000',
  rating: 'RATED',
  price_version: 'ab'.repeat(32),
  route_reason: 'cheapest model that fits',
  request_ip: '203.0.113.7',
  user_agent: 'OpenAI/JS 6.49.0',
  response_status: 'SUCCESS',
  http_status: 200,
  error_code: null,
  error_message: null,
  compliance_flags: [],
  usage_source: 'provider',
  is_streamed: true,
  priority: null,
  request_bytes: 4_321,
  response_bytes: 2_345,
  request_commitment: 'cd'.repeat(32),
  response_commitment: 'ef'.repeat(32),
  journal_writer: '019aa000-0000-7000-8000-000000000000',
  intent_sequence: 1,
  journal_sequence: 2,
};

const HOUR_MS = 3_600_000;

/** The four rows of call `number`, one of a thousand an hour. */
export const callRows = (number: number, change: Partial<Content<'api_request_s'>> = {}): VaultRow[] => {
  const load_date = new Date(Date.parse('2026-11-21T10:00:00Z') + (number % 1_000) * (HOUR_MS / 1_000)).toISOString();
  const at: Stamp = { load_date, applied_date: load_date, record_source: 'gateway' };
  const api_request_bk = `019aa000-0000-7000-8000-${String(number).padStart(12, '0')}`;
  const api_request_hk = rows.hubKey('api_request_h', { api_request_bk });
  const hubs = {
    api_request_hk,
    customer_hk: rows.hubKey('customer_h', { customer_bk: 'acme' }),
    api_key_hk: rows.hubKey('api_key_h', { api_key_bk: '019aa000-0000-7000-8000-0000000000ff' }),
    provider_hk: rows.hubKey('ai_provider_h', { provider_bk: 'openai' }),
    model_hk: rows.hubKey('model_h', { model_bk: 'gpt-4o-mini' }),
    routing_rule_hk: rows.hubKey('routing_rule_h', { routing_rule_bk: 'cheapest' }),
  };
  const route: Content<'api_request_route_s'> = {
    candidates: [
      { provider: 'openai', model: 'gpt-4o-mini', worst_cost: '1200000000' },
      { provider: 'anthropic', model: 'claude-haiku-4-5', worst_cost: '9200000000' },
    ],
    attempts: [{ provider: 'openai', model: 'gpt-4o-mini', status: 200, latency_ms: 809 }],
    decision: 'cheapest model that fits',
    rule_version: '12'.repeat(32),
    max_cost: null,
  };
  return [
    rows.hub('api_request_h', { api_request_bk }, at),
    rows.link('api_request_l', hubs, at),
    rows.satellite('api_request_s', api_request_hk, { ...OUTCOME, journal_sequence: number + 1, ...change }, at),
    rows.satellite('api_request_route_s', api_request_hk, route, at),
  ];
};

/** A line of an invoice. */
export const invoiceLine = (line_number: number, description: string): Content<'invoice_line_s'> => ({
  line_number,
  description,
  provider: 'openai',
  model: 'gpt-4o-mini',
  call_count: 1,
  prompt_tokens: 1,
  completion_tokens: 1,
  cached_tokens: 0,
  provider_cost: '10',
  gateway_markup: '1',
  amount: '11',
  amount_cents: 0,
  service_period: '2026-11-01',
  query_sha256: '00'.repeat(32),
  control_sum: '11',
});

/** Content of the named tables, as text in a fixed order. */
export const contentOf = async (sql: Sql, tables: readonly string[]): Promise<string[]> => {
  const contents: string[] = [];
  for (const table of tables) {
    const { name, primary_key } = registry.entities.get(table)!;
    const found = await sql.unsafe<{ row: string }[]>(
      `select t::text as row from ${name} t order by ${primary_key.join(', ')}`,
    );
    contents.push(...found.map(({ row }) => `${table} ${row}`));
  }
  return contents;
};
