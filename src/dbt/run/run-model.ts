import { setTimeout } from 'node:timers/promises';
import type { Sql } from '../../postgres/connect.ts';
import { type Compiled, type CompileInput, compileNode } from '../compile.ts';
import { findExisting } from '../materialize/existing.ts';
import { lockRelation, lockSchema } from '../materialize/lock.ts';
import { materialize } from '../materialize/materialize.ts';
import type { Model } from '../project/types.ts';
import { quoteName } from '../relations.ts';

export interface BuiltModel {
  readonly compiled: Compiled;
  readonly rows_affected: number | null;
}

interface RunInput extends Omit<CompileInput, 'is_incremental'> {
  readonly sql: Sql;
  /** Builds incremental models anew. */
  readonly full_refresh: boolean;
  /** Called with the SQL before it runs, so that it is known also if it fails. */
  readonly onCompiled: (compiled: Compiled) => void;
}

// Two runs that replace tables below each other's views can deadlock, and PostgreSQL ends one of them. A view may also
// be made on the old table after the search for its readers (2BP01): the next attempt sees it.
const MAX_ATTEMPTS = 5;
const RETRY_DELAY_MS = 100;
const RETRIED = ['40P01', '40001', '2BP01'];

/** Builds a model in one transaction of its own, after any other run that builds it. */
export const runModel = async (model: Model, input: RunInput): Promise<BuiltModel> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await buildOnce(model, input);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !RETRIED.includes((error as { code?: string }).code ?? '')) throw error;
      await setTimeout(RETRY_DELAY_MS * attempt);
    }
  }
};

const buildOnce = async (model: Model, input: RunInput): Promise<BuiltModel> => {
  const relation = input.layout.get(model.unique_id)!;
  return input.sql.begin(async (sql): Promise<BuiltModel> => {
    await lockRelation(sql, relation);
    const existing = await findExisting(sql, relation);
    const is_incremental =
      model.config.materialized === 'incremental' && existing?.kind === 'table' && !input.full_refresh;
    const compiled = compileNode(model, { ...input, is_incremental });
    input.onCompiled(compiled);
    const rows_affected = await materialize({
      sql,
      model,
      relation,
      existing,
      compiled_sql: compiled.sql,
      is_incremental,
    });
    return { compiled, rows_affected };
  }) as Promise<BuiltModel>;
};

/** Makes the schemas that do not exist yet. */
export const createSchemas = async (sql: Sql, schemas: Iterable<string>): Promise<void> => {
  for (const schema of new Set(schemas)) {
    await sql.begin(async (inner) => {
      await lockSchema(inner, schema);
      const found = await inner`select from pg_catalog.pg_namespace where nspname = ${schema}`;
      // Asking first: `create schema if not exists` needs the right to create even when it is there.
      if (found.length === 0) await inner.unsafe(`create schema ${quoteName(schema)}`);
    });
  }
};
