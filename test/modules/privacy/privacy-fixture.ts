import { systemClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import type { Kms } from '../../../src/keys/kms.ts';
import type { Decider, PrivacyDeps } from '../../../src/modules/privacy/deps.ts';
import { takeSubjectKey } from '../../../src/modules/privacy/subject-keys.ts';
import { createSubjectKms } from '../../../src/server/open-subject-kms.ts';
import { createVaultAccess } from '../../../src/server/vault-access.ts';
import { testRegistry } from '../../support/calls.ts';
import type { TestDatabase } from '../../support/database.ts';

export const decider: Decider = {
  decided_by: 'test',
  event: (subject) => ({
    ...({ actor_kind: 'command', actor: 'test', action: 'privacy.erase', outcome: 'succeeded' } as const),
    subject_kind: 'customer',
    subject,
    customers: [subject],
  }),
};

export const privacyDeps = ({ sql, url }: TestDatabase, kms: Kms): PrivacyDeps => ({
  ...createVaultAccess({ sql, clock: systemClock, registry: testRegistry() }),
  subject_kms: createSubjectKms({ kms, database_url: url, log: silentLog }),
});

let subjects = 0;

/** A customer with a key of its own. @returns its slug, and its key as a backup of the database has it */
export const newSubject = async (deps: PrivacyDeps) => {
  subjects += 1;
  const subject = `subject-${subjects}`;
  const now = new Date().toISOString();
  const stamp = { load_date: now, applied_date: now, record_source: 'test' };
  const hub = deps.rows.hub('customer_h', { customer_bk: subject }, stamp);
  const customer_hk = deps.rows.hubKey('customer_h', { customer_bk: subject });
  await deps.sql.begin(async (tx) => {
    await deps.load(tx, [hub]);
    const { key } = await takeSubjectKey(deps, tx, customer_hk);
    key.fill(0);
  });
  const [row] = await deps.sql<{ id: string; wrapped: string; master_key_id: string }[]>`
    select subject_key_id as id, wrapped_key as wrapped, master_key_id
    from privacy.subject_key
    where customer_hk = ${customer_hk}::bytea`;
  const backup = { wrapped_key: Buffer.from(row!.wrapped, 'hex'), master_key_id: row!.master_key_id };
  return { subject, backup, place: { table: 'privacy.subject_key', key_id: row!.id } };
};
