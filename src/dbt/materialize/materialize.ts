import { materializeIncrement } from './incremental.ts';
import type { MaterializeInput } from './materialize-input.ts';
import { materializeTable } from './table.ts';
import { materializeView } from './view.ts';

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
