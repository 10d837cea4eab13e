import type { Knex } from 'knex';

/**
 * Responses of administration that a client may get again for 24 h. They are no facts: the table is outside the vault
 * and is cleaned.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
create table ops.idempotent_response (
  -- Both are derived from the client's Idempotency-Key and API key, which are not stored.
  request_id_hash bytea primary key,
  sealed_response bytea not null,
  created_at timestamptz not null
);
create index on ops.idempotent_response (created_at);
-- Rows are locked while they are cleaned, which needs the right to update.
grant select, insert, update, delete on ops.idempotent_response to onevault_gateway;
`);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};
