import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Kms } from './kms.ts';

export interface DestructionDeps {
  readonly sql: Sql;
  readonly kms: Kms;
  readonly clock: Clock;
}

/**
 * Destroys master keys, and records those that no longer exist, also after a destruction by the operator.
 * @param ids of retired keys: they wrap nothing any more, and nothing can be wrapped under them
 * @returns the keys that no longer exist; only the operator can destroy the others
 * @throws KmsError
 */
export const destroyRetired = async (
  { sql, kms, clock }: DestructionDeps,
  ids: readonly string[],
): Promise<string[]> => {
  const destroyed: string[] = [];
  for (const master_key_id of ids) {
    if (!(await kms.destroy(master_key_id))) continue;
    await sql`
      update privacy.master_key
      set destroyed_at = ${instantOf(clock.now())}
      where master_key_id = ${master_key_id}
        and retired_at is not null
        and destroyed_at is null`;
    destroyed.push(master_key_id);
  }
  return destroyed;
};

/** The ids of the master keys that wrap nothing any more and still exist. */
export const readRetired = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ master_key_id: string }[]>`
    select master_key_id
    from privacy.master_key
    where retired_at is not null
      and destroyed_at is null
    order by first_used_at, master_key_id`;
  return rows.map(({ master_key_id }) => master_key_id);
};
