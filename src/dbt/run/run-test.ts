import type { Sql } from '../../postgres/connect.ts';
import type { Compiled } from '../compile.ts';
import type { DataTest } from '../project/types.ts';

export interface TestOutcome {
  readonly status: 'pass' | 'warn' | 'fail';
  readonly failures: number;
  readonly message: string | null;
}

/** Runs a test: its rows are its failures, which its severity makes errors or warnings. */
export const runTest = async (sql: Sql, test: DataTest, compiled: Compiled): Promise<TestOutcome> => {
  const [row] = await sql.unsafe<{ failures: string }[]>(
    `select count(*)::text as failures from (\n${compiled.sql}\n) dbt_internal_test`,
  );
  const failures = Number(row!.failures);
  if (failures === 0) return { status: 'pass', failures, message: null };
  const message = `Got ${failures} result${failures === 1 ? '' : 's'}, configured to ${test.config.severity} if != 0`;
  return { status: test.config.severity === 'warn' ? 'warn' : 'fail', failures, message };
};
