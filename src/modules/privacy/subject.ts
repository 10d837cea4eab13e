import { OneVaultError } from '../../core/errors.ts';
import { invalidField } from '../../http/faults.ts';
import type { Sql } from '../../postgres/connect.ts';
import { refuseEmail } from '../../resources/writing/refuse-email.ts';
import { lockName } from '../../resources/writing/save.ts';
import type { Transaction } from '../../vault/transaction.ts';

/** Serializes all changes of one subject's data until the transaction ends. */
export const lockSubject = (tx: Transaction, subject: string): Promise<void> => lockName(tx, `subject/${subject}`);

/** @throws OneVaultError not_found for an unknown customer */
export const findSubject = async (sql: Sql | Transaction, subject: string): Promise<void> => {
  const [row] = subject.includes('\0')
    ? []
    : await sql`
        select 1
        from gateway.customer_h
        where customer_bk = ${subject}
          and customer_bk <> 'unknown'`;
  if (row === undefined) {
    throw new OneVaultError('not_found', {
      param: 'subject',
      details: `There is no customer ${subject.replaceAll('\0', '\ufffd').slice(0, 100)}.`,
    });
  }
};

const REASON_LENGTH = 500;

/**
 * A reason that the permanent log may contain.
 * @throws OneVaultError invalid_request if it is empty, too long, or contains an e-mail address: that is personal data
 */
export const checkReason = (given: string): string => {
  const reason = given.trim();
  if (reason === '' || reason.length > REASON_LENGTH || /[\0\p{Cs}]/u.test(reason)) {
    throw invalidField('reason', 'length', `reason is a text of 1 to ${REASON_LENGTH} characters.`);
  }
  refuseEmail('reason', reason);
  return reason;
};
