import type { Log } from '../core/log.ts';
import type { Sql } from '../postgres/connect.ts';

/** May read and insert rows of the vault, but not update or delete them. Migrations create it and grant its rights. */
const VAULT_ROLE = 'onevault_gateway';

const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * The role of PostgreSQL for the processes that serve calls and load them.
 * @returns null, with a warning, if the database's user may not assume it
 */
export const findVaultRole = async (sql: Sql, log: Log): Promise<string | null> => {
  if (await canTakeOn(sql)) return VAULT_ROLE;
  // Since PostgreSQL 16 the creator of a role may grant it to itself, and must.
  const is_granted = await isAllowed(() => sql`grant ${sql(VAULT_ROLE)} to current_user`);
  if (is_granted && (await canTakeOn(sql))) return VAULT_ROLE;
  log.warn(
    `the user of the database may not take on the role ${VAULT_ROLE}, so that calls are served with all that it may ` +
      `do: let an administrator of the database run "grant ${VAULT_ROLE} to" that user`,
  );
  return null;
};

const canTakeOn = (sql: Sql): Promise<boolean> =>
  isAllowed(() => sql.begin((tx) => tx`set local role ${tx(VAULT_ROLE)}`));

const isAllowed = async (attempt: () => Promise<unknown>): Promise<boolean> => {
  try {
    await attempt();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    return false;
  }
};
