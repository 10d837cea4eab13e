import assert from 'node:assert/strict';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { registry } from './vault-fixture.ts';

const SATELLITE = 'load_date load_end_date hash_diff record_source';

/** The required schema, table by table. */
const REQUIRED: Readonly<Record<string, string>> = {
  'gateway.customer_h': 'customer_hk customer_bk tenant_hk load_date record_source',
  'gateway.customer_config_s': `customer_hk ${SATELLITE} api_key_encrypted preferred_providers cost_budget_monthly
    cost_budget_daily compliance_level rate_limit_requests_per_minute priority_tier webhook_url`,
  'gateway.ai_provider_h': 'provider_hk provider_bk load_date record_source',
  'gateway.ai_provider_s': `provider_hk ${SATELLITE} provider_name api_endpoint models_available cost_per_1k_tokens
    max_tokens_per_request requests_per_minute_limit current_latency_ms current_availability_percent quality_score
    is_active`,
  'gateway.customer_provider_keys_h':
    'customer_provider_key_hk customer_provider_key_bk customer_hk provider_hk load_date record_source',
  'gateway.customer_provider_keys_s': `customer_provider_key_hk ${SATELLITE} api_key_encrypted encryption_key_id
    key_status daily_spending_limit monthly_spending_limit allowed_models last_validated`,
  'gateway.api_request_h': 'api_request_hk api_request_bk customer_hk provider_hk load_date record_source',
  'gateway.api_request_s': `api_request_hk ${SATELLITE} request_timestamp request_type model_used prompt_tokens
    completion_tokens total_tokens request_latency_ms provider_cost gateway_markup customer_cost route_reason request_ip
    user_agent response_status error_message compliance_flags`,
  'gateway.customer_spending_h': 'spending_hk spending_bk customer_hk load_date record_source',
  'gateway.customer_spending_s': `spending_hk ${SATELLITE} billing_period total_requests total_tokens
    total_provider_cost total_gateway_revenue total_customer_charges cost_by_provider cost_by_model overage_charges
    credits_applied billing_status`,
  'gateway.routing_rule_h': 'routing_rule_hk routing_rule_bk load_date record_source',
  'gateway.routing_rule_s': `routing_rule_hk ${SATELLITE} rule_name rule_priority conditions target_provider
    target_model cost_optimization latency_optimization quality_optimization compliance_requirements is_active`,
  'gateway.provider_performance_h': 'performance_hk performance_bk provider_hk load_date record_source',
  'gateway.provider_performance_s': `performance_hk ${SATELLITE} measurement_timestamp measurement_window_minutes
    total_requests successful_requests failed_requests average_latency_ms p95_latency_ms p99_latency_ms
    error_rate_percent availability_percent tokens_processed average_cost_per_token quality_score`,
};

/** A hub contains only its business key; its relations to other hubs are links. */
const LINK_OF_HUB: Readonly<Record<string, string>> = {
  'gateway.customer_h': 'gateway.customer_tenant_l',
  'gateway.customer_provider_keys_h': 'gateway.customer_provider_keys_l',
  'gateway.api_request_h': 'gateway.api_request_l',
  'gateway.customer_spending_h': 'gateway.customer_spending_l',
  'gateway.provider_performance_h': 'gateway.provider_performance_l',
};

/** Place of a required column. */
const placeOf = (table: string, column: string): string => {
  const own_key = REQUIRED[table]!.split(' ')[0];
  const is_foreign_key = table.endsWith('_h') && column.endsWith('_hk') && column !== own_key;
  if (is_foreign_key) return `${LINK_OF_HUB[table]}.${column}`;
  // A stored end date would need updates, so the views compute it.
  return column === 'load_end_date' ? `${table}_history.load_end_date` : `${table}.${column}`;
};

describe('the required tables of the vault', () => {
  let database: TestDatabase;
  let found: Set<string>;
  before(async () => {
    database = await createTestDatabase();
    const columns = await database.sql<{ name: string }[]>`
      select table_schema || '.' || table_name || '.' || column_name as name from information_schema.columns`;
    found = new Set(columns.map(({ name }) => name));
  });
  after(() => database.drop());

  it('exist with every column', () => {
    const wanted = Object.entries(REQUIRED).flatMap(([table, columns]) =>
      columns.split(/\s+/).map((column) => placeOf(table, column)),
    );
    assert.equal(wanted.length, 145);
    assert.deepEqual(
      wanted.filter((place) => !found.has(place)),
      [],
    );
  });

  it('have an applied date and both views in each satellite', () => {
    for (const entity of registry.entities.values()) {
      if (entity.kind !== 'satellite') continue;
      for (const relation of [entity.name, `${entity.name}_current`, `${entity.name}_history`]) {
        assert.ok(found.has(`${relation}.applied_date`), relation);
      }
      assert.ok(found.has(`${entity.name}_history.load_end_date`), entity.name);
      assert.ok(!found.has(`${entity.name}.load_end_date`), entity.name);
    }
  });

  it('contain personal data in encrypted form only', () => {
    assert.deepEqual(
      registry.satellite('customer_pii_s').payload.map(({ name, type }) => `${name} ${type}`),
      ['encryption_algorithm text', 'pii_encrypted bytes', 'subject_key_id uuid'],
    );
    const { fault } = registry.satellite('customer_pii_s');
    const row = {
      customer_hk: 'ab'.repeat(32),
      hash_diff: 'cd'.repeat(32),
      record_source: 'test',
      load_date: '2026-01-01T00:00:00Z',
      applied_date: '2026-01-01T00:00:00Z',
      subject_key_id: '019aa000-0000-7000-8000-000000000000',
      encryption_algorithm: 'AES-256-GCM',
    };
    assert.equal(fault({ ...row, pii_encrypted: '00ff' }), null);
    assert.match(fault({ ...row, pii_encrypted: 'Jane Doe' })!, /pii_encrypted/);
    assert.match(fault({ ...row, pii_encrypted: '00ff', encryption_algorithm: 'none' })!, /encryption_algorithm/);
  });
});
