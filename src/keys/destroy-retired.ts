import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Kms } from './kms.ts';

export interface DestructionDeps {
  readonly sql: Sql;
  readonly kms: Kms;
  readonly clock: Clock;
}

/**
 * Destroys master keys, and notes which are gone, whoever destroyed them.
 * @param ids of retired ones: nothing is wrapped under them any more, and nothing can be
 * @returns those that are gone now; the others only the operator can destroy
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
