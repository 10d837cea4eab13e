import type { Knex } from 'knex';

/** The audit log's tree: where each batch of leaves stands, the hashes that proofs need, checkpoints, keys. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(LOG);
  await knex.raw(TREE);
  await knex.raw(CHECKPOINTS);
  await knex.raw(GRANTS);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const LOG = `
-- Whose checkpoints these are: the origin is onevault/<log_id>. The row numbered highest is the log that is kept now; another one
-- is begun only after a restore from a backup, because a log never takes back what it has published.
create table audit.log (
  log_number integer generated always as identity unique,
  log_id text primary key check (log_id ~ '^[0-9a-f]{16}$'),
  created_at timestamptz not null,
  reason text not null
);
select util.guard('audit.log');

create table audit.signing_key (
  key_number integer generated always as identity unique,
  -- The key hash of C2SP signed-note, lower-case hex.
  key_id text primary key check (key_id ~ '^[0-9a-f]{8}$'),
  name text not null,
  public_key bytea not null check (length(public_key) = 32),
  verifier_key text not null,
  sealed_private_key bytea not null,
  created_at timestamptz not null
);
select util.guard('audit.signing_key');

create table audit.signing_key_retirement (
  key_id text primary key,
  retired_at timestamptz not null,
  first_size_of_next bigint not null check (first_size_of_next >= 0)
);
select util.guard('audit.signing_key_retirement');
`;

const TREE = `
create table audit.sequenced (
  first_index bigint primary key check (first_index >= 0),
  leaf_batch_id bigint not null unique,
  leaf_count integer not null check (leaf_count > 0)
);
select util.guard('audit.sequenced');

-- The root of each complete subtree of 256^level leaves. Level 0, the leaves, stands in audit.leaf_batch.
create table audit.node (
  level integer not null check (level >= 1),
  node_index bigint not null check (node_index >= 0),
  node_hash bytea not null check (length(node_hash) = 32),
  primary key (level, node_index)
);
select util.guard('audit.node');
`;

const CHECKPOINTS = `
create table audit.checkpoint (
  tree_size bigint not null check (tree_size >= 0),
  key_id text not null,
  root_hash bytea not null check (length(root_hash) = 32),
  note text not null,
  checkpoint_at timestamptz not null,
  primary key (tree_size, key_id)
);
select util.guard('audit.checkpoint');

create table audit.cosignature (
  tree_size bigint not null,
  root_hash bytea not null check (length(root_hash) = 32),
  witness_name text not null,
  -- The key hash of C2SP signed-note, lower-case hex.
  key_hash text not null check (key_hash ~ '^[0-9a-f]{8}$'),
  signature_line text not null,
  cosigned_at timestamptz not null,
  received_at timestamptz not null,
  primary key (tree_size, witness_name, key_hash)
);
select util.guard('audit.cosignature');
`;

const GRANTS = `
-- Only the sequencer writes the tree and signs. The process that serves takes witnesses' signatures, and sees no key.
revoke insert on audit.log, audit.signing_key, audit.signing_key_retirement, audit.sequenced, audit.node,
  audit.checkpoint from onevault_gateway;
revoke select on audit.signing_key from onevault_gateway;
grant select (key_number, key_id, name, public_key, verifier_key, created_at) on audit.signing_key to onevault_gateway;
`;
