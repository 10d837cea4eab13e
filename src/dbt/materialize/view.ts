import { quoted } from '../relations.ts';
import { clearPlace } from './dependents.ts';
import type { MaterializeInput } from './materialize-input.ts';

// PostgreSQL replaces a view in place only while its columns keep name, type and order.
const COLUMNS_CHANGED = '42P16';

/** Builds a view: in place where PostgreSQL can, else by dropping what stands there in the same transaction. */
export const materializeView = async ({ sql, relation, existing, compiled_sql }: MaterializeInput): Promise<null> => {
  const create = `view ${quoted(relation)} as (\n${compiled_sql}\n)`;
  if (existing?.kind === 'view') {
    try {
      await sql.savepoint((inner) => inner.unsafe(`create or replace ${create}`));
      return null;
    } catch (error) {
      if ((error as { code?: string }).code !== COLUMNS_CHANGED) throw error;
    }
  }
  const putBack = await clearPlace(sql, relation, existing);
  await sql.unsafe(`create ${create}`);
  await putBack();
  return null;
};
