import { differencesBetween, faultOf } from '../definitions/differences.ts';
import { readDefinitions } from '../definitions/read-definitions.ts';
import { readRecorded } from '../definitions/recorded.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, type Outcome, outcomeOf } from './check.ts';

/** Views, functions, triggers, rules, policies, grants and roles are what the audit log recorded at each migration. */
export const definitions: Check = {
  name: 'definitions',
  counted: 'objects of the database',
  units: async () => [
    {
      label: 'definitions',
      weight: 1,
      run: (sql) => ('begin' in sql ? sql.begin('read only', compare) : compare(sql)) as Promise<Outcome>,
    },
  ],
};

const compare = async (tx: Transaction): Promise<Outcome> => {
  const recorded = await readRecorded(tx);
  if (recorded === null) return outcomeOf(0, []);
  const found = await readDefinitions(tx);
  return outcomeOf(found.size, differencesBetween(recorded.definitions, found).map(faultOf));
};
