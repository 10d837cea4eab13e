import type { CallRecord, JournalEntry } from '../../journal/record.ts';
import { GHOST_KEY } from '../../vault/entity.ts';
import type { HubTable, RowBuilder, Stamp, VaultRow } from '../../vault/rows.ts';

/** Creates the vault's rows of one call: its hub, its link and its satellites. */
export type CallRows = (record: CallRecord, entry: JournalEntry) => VaultRow[];

const RECORD_SOURCE = 'gateway';
// Hash keys of customers, API keys, models and so on: enough for a busy hour, small compared to the batches.
const CACHE_SIZE = 50_000;

export const createCallRows = (rows: RowBuilder): CallRows => {
  const keyOf = createKeyCache(rows);
  return (record, { writer, sequence }) => {
    const stamp: Stamp = {
      load_date: record.recorded_at,
      applied_date: record.call.request_timestamp,
      record_source: RECORD_SOURCE,
    };
    const api_request_bk = record.request_id;
    const api_request_hk = rows.hubKey('api_request_h', { api_request_bk });
    const hubs = {
      api_request_hk,
      customer_hk: keyOf('customer_h', 'customer_bk', record.customer),
      api_key_hk: keyOf('api_key_h', 'api_key_bk', record.api_key),
      provider_hk: keyOf('ai_provider_h', 'provider_bk', record.provider),
      model_hk: keyOf('model_h', 'model_bk', record.model),
      routing_rule_hk: keyOf('routing_rule_h', 'routing_rule_bk', record.routing_rule),
    };
    const facts = {
      ...record.call,
      journal_writer: writer,
      intent_sequence: record.intent_sequence,
      journal_sequence: sequence,
    };
    const made = [
      rows.hub('api_request_h', { api_request_bk }, stamp),
      rows.link('api_request_l', hubs, stamp),
      rows.satellite('api_request_s', api_request_hk, facts, stamp),
    ];
    if (record.route !== null) {
      made.push(rows.satellite('api_request_route_s', api_request_hk, record.route, stamp));
    }
    if (record.idempotency !== undefined) {
      made.push(rows.satellite('api_request_idempotency_s', api_request_hk, record.idempotency, stamp));
    }
    return made;
  };
};

/** The hash key of a business key; that of the ghost record for null. */
const createKeyCache = (rows: RowBuilder) => {
  const keys = new Map<string, string>();
  return (table: HubTable, column: string, business_key: string | null): string => {
    if (business_key === null) return GHOST_KEY;
    const name = `${table}/${business_key}`;
    const known = keys.get(name);
    if (known !== undefined) return known;
    const key = rows.hubKey(table, { [column]: business_key } as never);
    if (keys.size >= CACHE_SIZE) keys.clear();
    keys.set(name, key);
    return key;
  };
};
