import type { Actor } from '../../audit/event.ts';
import { createEventRecorder, type NewEvent } from '../../audit/record-event.ts';
import type { Clock } from '../../core/clock.ts';
import { createIds } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import { createLoader } from '../../vault/load.ts';
import type { Registry } from '../../vault/registry.ts';
import { createRowBuilder } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { Statement } from './report-sql.ts';

/** Records a pull in the audit log. Both functions reject if the event cannot be written. */
export interface PullRecorder {
  /** Before the first byte: records the reader and the customers whose calls it will see. */
  begins(tx: Transaction, customers: Statement): Promise<void>;
  /** Records an incomplete document, with the name of the error. */
  fails(error: unknown): Promise<void>;
}

export const createPullRecorder = (
  { sql, registry, clock }: { readonly sql: Sql; readonly registry: Registry; readonly clock: Clock },
  actor: Actor,
  report_id: string,
): PullRecorder => {
  const record = createEventRecorder(
    {
      sql,
      clock,
      nextId: createIds(clock),
      load: createLoader({ registry, now: clock.now }),
      rows: createRowBuilder(registry),
    },
    'pipeline.reports',
  );
  const pull = { ...actor, action: 'report.pull', subject_kind: 'report', subject: report_id } as const;
  const recordEnd = (rest: Pick<NewEvent, 'outcome' | 'customers' | 'reason'>) => record({ ...pull, ...rest });
  return {
    begins: async (tx, { text, values }) => {
      const rows = await tx.unsafe<{ customer: string }[]>(text, values);
      await recordEnd({ outcome: 'succeeded', customers: rows.map(({ customer }) => customer) });
    },
    fails: (error) =>
      recordEnd({ outcome: 'failed', reason: error instanceof Error ? error.name : 'Error', customers: [] }),
  };
};
