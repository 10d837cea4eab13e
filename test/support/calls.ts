import { createJournalLog } from '../../src/audit/journal-leaves.ts';
import type { Clock } from '../../src/core/clock.ts';
import { instantOf } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import type { JobDeps } from '../../src/jobs/deps.ts';
import { prepareBatch } from '../../src/jobs/load/batch.ts';
import { createCallRows } from '../../src/jobs/load/call-rows.ts';
import type { CallFacts, CallRecord, JournalEntry } from '../../src/journal/record.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { createJobDeps } from '../../src/server/jobs.ts';
import { PROJECT } from '../../src/server/paths.ts';
import { createLoader } from '../../src/vault/load.ts';
import { loadRegistry, type Registry } from '../../src/vault/registry.ts';
import { createRowBuilder } from '../../src/vault/rows.ts';
import { writeVault } from '../../src/vault/write.ts';
import type { TestDatabase } from './database.ts';

export const REPORTS_DIR = PROJECT.reports;

let registry: Registry | undefined;

/** The vault's registry, read once for all tests. */
export const testRegistry = (): Registry => {
  registry ??= loadRegistry(PROJECT.entities);
  return registry;
};

export const jobDeps = ({ url }: TestDatabase, clock: Clock): JobDeps =>
  createJobDeps({
    database_url: url,
    registry: testRegistry(),
    clock,
    log: silentLog,
    retention_days: 0,
    open_subject_kms: () => Promise.reject(new Error('a test that erases gives the keys')),
  });

/** A call in a test. Omitted fields are those of a small successful call. */
export interface TestCall extends Partial<CallFacts> {
  readonly request_id?: string;
  readonly request_timestamp: string;
  /** By default, the end of the call. */
  readonly recorded_at?: string;
  readonly customer?: string | null;
  readonly api_key?: string | null;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly route?: CallRecord['route'];
}

let made = 0;

export const TEST_API_KEY = '00000000-0000-7000-a000-000000000001';

const recordOf = (call: TestCall): CallRecord => {
  const { request_id, recorded_at, customer, api_key, provider, model, route, ...facts } = call;
  made += 1;
  return {
    schema_version: 1,
    kind: 'outcome',
    intent_sequence: null,
    request_id: request_id ?? `00000000-0000-7000-9000-${String(made).padStart(12, '0')}`,
    recorded_at: recorded_at ?? instantOf(Date.parse(call.request_timestamp) + 1_000),
    customer: customer === undefined ? 'acme' : customer,
    api_key: api_key === undefined ? TEST_API_KEY : api_key,
    provider: provider === undefined ? 'openai' : provider,
    model: model === undefined ? 'gpt-4o' : model,
    routing_rule: null,
    call: { ...FACTS, ...facts },
    route: route ?? null,
  };
};

const FACTS: Omit<CallFacts, 'request_timestamp'> = {
  request_type: 'completion',
  endpoint: '/v1/chat/completions',
  model_requested: 'gpt-4o',
  model_used: 'gpt-4o',
  prompt_tokens: 10,
  completion_tokens: 5,
  total_tokens: 15,
  cached_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  request_latency_ms: 120,
  upstream_latency_ms: 100,
  time_to_first_token_ms: null,
  provider_cost: '75000000',
  gateway_markup: '7500000',
  customer_cost: '82500000',
  rating: 'RATED',
  price_version: null,
  route_reason: null,
  request_ip: '127.0.0.1',
  user_agent: 'test',
  response_status: 'SUCCESS',
  http_status: 200,
  error_code: null,
  error_message: null,
  compliance_flags: [],
  usage_source: 'provider',
  is_streamed: false,
  priority: null,
  request_bytes: 100,
  response_bytes: 200,
  request_commitment: null,
  response_commitment: null,
};

/** Loads calls into the vault as the journal's loader does. Each `send` is one batch of a writer. */
export interface CallFeed {
  send(calls: readonly TestCall[], writer?: string): Promise<void>;
}

export const WRITERS = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'] as const;

export const createCallFeed = (sql: Sql, clock: Clock): CallFeed => {
  const load = createLoader({ registry: testRegistry(), now: clock.now });
  const callRows = createCallRows(createRowBuilder(testRegistry()));
  const sequences = new Map<string, number>();
  return {
    async send(calls, writer = WRITERS[0]) {
      if (calls.length === 0) return;
      const last = sequences.get(writer) ?? 0;
      sequences.set(writer, last + calls.length);
      const entries = calls.map(
        (call, place): JournalEntry => ({
          writer,
          sequence: last + place + 1,
          text: JSON.stringify(recordOf(call)),
        }),
      );
      const batch = prepareBatch(entries, callRows, testRegistry());
      if (batch.refusals.length > 0) throw new Error(`a test's call is not sound: ${batch.refusals[0]?.reason}`);
      await writeVault(sql, clock, async (tx, loaded_at) => {
        await load(tx, batch.records.flat());
        await tx`
          insert into ops.journal_batch
            (writer, first_sequence, last_sequence, record_count, first_instant, last_instant,
             first_load_date, last_load_date, loaded_at)
          values (${writer}, ${batch.first_sequence}, ${batch.last_sequence}, ${batch.record_count},
            ${batch.first_instant}, ${batch.last_instant},
            ${batch.first_load_date}, ${batch.last_load_date}, ${loaded_at})`;
        await createJournalLog(testRegistry()).queue(tx, {
          writer,
          first_sequence: last + 1,
          queued_at: loaded_at,
        });
      });
    },
  };
};

/** A contract with the given budget. */
export const contractOf = (customer_name: string, cost_budget_monthly: string | null) => ({
  customer_name,
  customer_status: 'ACTIVE' as const,
  api_key_encrypted: null,
  preferred_providers: null,
  cost_budget_monthly,
  cost_budget_daily: null,
  compliance_level: null,
  rate_limit_requests_per_minute: null,
  priority_tier: 'STANDARD' as const,
  webhook_url: null,
  markup_basis_points: 1_000,
  unpriced_policy: 'allow' as const,
});

/** A customer of the seeded tenant, with the catalog's hub rows that its calls name. */
export const addCustomer = async (
  sql: Sql,
  { customer, budget = null, tenant = 'demo' }: { customer: string; budget?: string | null; tenant?: string | null },
): Promise<void> => {
  const rows = createRowBuilder(testRegistry());
  const load = createLoader({ registry: testRegistry(), now: Date.now });
  const stamp = {
    load_date: '2026-01-01T00:00:00.000Z',
    applied_date: '2026-01-01T00:00:00.000Z',
    record_source: 'test',
  };
  const customer_hk = rows.hubKey('customer_h', { customer_bk: customer });
  const config = contractOf(customer, budget);
  const tenancy = {
    customer_hk,
    tenant_hk: rows.hubKey('tenant_h', { tenant_bk: tenant ?? '' }),
  };
  const { refused } = await load(sql, [
    rows.hub('customer_h', { customer_bk: customer }, stamp),
    rows.hub('api_key_h', { api_key_bk: TEST_API_KEY }, stamp),
    rows.satellite('customer_config_s', customer_hk, config, stamp),
    ...(tenant === null
      ? []
      : [
          rows.link('customer_tenant_l', tenancy, stamp),
          rows.satellite(
            'customer_tenant_effectivity_s',
            rows.linkKey('customer_tenant_l', tenancy),
            { is_effective: true },
            stamp,
          ),
        ]),
  ]);
  if (refused > 0) throw new Error('a test customer is not sound');
};
