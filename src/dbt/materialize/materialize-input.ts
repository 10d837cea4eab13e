import type { TransactionSql } from 'postgres';
import type { Model } from '../project/types.ts';
import type { Relation } from '../relations.ts';
import type { Existing } from './existing.ts';

/** What a materialization gets: all of it happens in the transaction `sql`, under the relation's lock. */
export interface MaterializeInput {
  readonly sql: TransactionSql;
  readonly model: Model;
  readonly relation: Relation;
  readonly existing: Existing | null;
  readonly compiled_sql: string;
  /** Whether an incremental model adds to what stands, where it otherwise builds its table anew. */
  readonly is_incremental: boolean;
}
