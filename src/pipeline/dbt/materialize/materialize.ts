import type { TransactionSql } from 'postgres';
import type { Model } from '../project/types.ts';
import type { Relation } from '../relations.ts';
import type { Existing } from './existing.ts';
import { materializeIncrement } from './incremental.ts';
import { materializeTable } from './table.ts';
import { materializeView } from './view.ts';

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

/** Builds a model. Gives the rows written, or null for a view. */
export const materialize = (input: MaterializeInput): Promise<number | null> => {
  const { materialized } = input.model.config;
  switch (materialized) {
    case 'view':
      return materializeView(input);
    case 'table':
      return materializeTable(input);
    case 'incremental':
      return input.is_incremental ? materializeIncrement(input) : materializeTable(input);
    case 'ephemeral':
      throw new Error('an ephemeral model is part of those that read it: nothing is built');
    default:
      return materialized satisfies never;
  }
};
