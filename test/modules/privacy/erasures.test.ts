import assert from 'node:assert/strict';
import { systemClock } from '../../../src/core/clock.ts';
import type { ErasureCertificate } from '../../../src/modules/privacy/erasures.ts';
import { checkVault } from '../../../src/vault/check/check-vault.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ClientResponse, dataOf, errorOf } from '../../support/http.ts';

const REASON = 'Art. 17 request of 2 November';

interface LegalHold {
  readonly id: string;
  readonly status: string;
}

describe('the erasure of a subject over HTTP', () => {
  let gateway: TestGateway;
  let customers = 0;

  const newSubject = async (): Promise<string> => {
    customers += 1;
    const slug = `subject-${customers}`;
    await gateway.newCustomer({ slug });
    const put = await gateway.admin('PUT', `/customers/${slug}/contact`, { legal_name: `Name of ${slug}` });
    assert.equal(put.status, 201, put.text);
    return slug;
  };
  const erase = (subject: string, reason = REASON): Promise<ClientResponse> =>
    gateway.admin('POST', '/privacy/erasures', { subject, reason });
  const hold = (subject: string, reason: string): Promise<ClientResponse> =>
    gateway.admin('POST', '/privacy/holds', { subject, reason });
  const contactOf = async (slug: string) =>
    dataOf<{ contact: object }>(await gateway.admin('GET', `/customers/${slug}/contact`)).contact;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('makes the data unreadable for ever, and returns a certificate', async () => {
    const [subject, other] = [await newSubject(), await newSubject()];
    const response = await erase(subject);
    assert.equal(response.status, 201, response.text);
    const certificate = dataOf<ErasureCertificate>(response);
    assert.equal(certificate.subject, subject);
    assert.equal(certificate.reason, REASON);
    assert.equal(certificate.states_erased, 1);
    assert.equal(certificate.copies.status, 'worthless');
    assert.equal(certificate.copies.master_key_ids.length, 1);
    assert.deepEqual(certificate.copies.master_key_ids_left, []);
    const again = await gateway.admin('GET', `/privacy/erasures/${certificate.id}`);
    assert.deepEqual(dataOf(again), certificate);
    assert.deepEqual(await contactOf(subject), { erased: true });
    const history = (await gateway.admin('GET', `/customers/${subject}/contact/history`)).json as {
      data: { contact: object; erasure_id: string }[];
    };
    assert.deepEqual(
      history.data.map(({ contact, erasure_id }) => ({ contact, erasure_id })),
      [{ contact: { erased: true }, erasure_id: certificate.id }],
    );
    assert.deepEqual(await contactOf(other), { legal_name: `Name of ${other}` }, 'others are as they were');
  });

  it('leaves no master key for old copies of the wrapped key', async () => {
    const [subject, other] = [await newSubject(), await newSubject()];
    const { sql } = gateway.database;
    const [old] = await sql<{ subject_key_id: string; wrapped_key: string; master_key_id: string }[]>`
      select k.subject_key_id, k.wrapped_key, k.master_key_id
      from privacy.subject_key k
      join gateway.customer_h h using (customer_hk)
      where h.customer_bk = ${subject}`;
    const { kms } = gateway.control.subject_kms;
    const backup = { wrapped_key: Buffer.from(old!.wrapped_key, 'hex'), master_key_id: old!.master_key_id };
    const place = { table: 'privacy.subject_key', key_id: old!.subject_key_id };
    assert.equal((await kms.unwrap(backup, place)).length, 32, 'before the erasure the backup opens');
    await erase(subject);
    await assert.rejects(kms.unwrap(backup, place), /is not at hand/);
    assert.deepEqual(await contactOf(other), { legal_name: `Name of ${other}` });
  });

  it('is recorded in the audit log, with the customer, under the id of the certificate', async () => {
    const subject = await newSubject();
    const { audit_event_id } = dataOf<ErasureCertificate>(await erase(subject));
    const [event] = await gateway.database.sql<{ action: string; reason: string; customer: string }[]>`
      select s.action, s.reason, c.customer_bk as customer
      from audit.audit_event_h h
      join audit.audit_event_s s using (audit_event_hk)
      join audit.audit_event_customer_l l using (audit_event_hk)
      join gateway.customer_h c using (customer_hk)
      where h.audit_event_bk = ${audit_event_id}`;
    assert.deepEqual({ ...event }, { action: 'privacy.erase', reason: REASON, customer: subject });
  });

  it('returns the same certificate for a repeated request, and for eight concurrent ones', async () => {
    const subject = await newSubject();
    const responses = await Promise.all(Array.from({ length: 8 }, () => erase(subject)));
    assert.equal(responses.filter(({ status }) => status === 201).length, 1);
    assert.equal(responses.filter(({ status }) => status === 200).length, 7);
    assert.equal(new Set(responses.map((response) => dataOf<ErasureCertificate>(response).id)).size, 1);
  });

  it('certifies for a subject without personal data that none was stored', async () => {
    await gateway.newCustomer({ slug: 'bare' });
    const certificate = dataOf<ErasureCertificate>(await erase('bare'));
    assert.equal(certificate.copies.status, 'none');
    assert.equal(certificate.subject_key_id, null);
    assert.equal((await gateway.admin('GET', '/customers/bare/contact')).status, 200);
  });

  it('accepts new data of an erased subject under a new key, which another erasure destroys', async () => {
    const subject = await newSubject();
    const first = dataOf<ErasureCertificate>(await erase(subject));
    const put = await gateway.admin('PUT', `/customers/${subject}/contact`, { legal_name: 'New' });
    assert.equal(put.status, 200, put.text);
    assert.deepEqual(await contactOf(subject), { legal_name: 'New' });
    const second = dataOf<ErasureCertificate>(await erase(subject));
    assert.notEqual(second.id, first.id);
    assert.notEqual(second.subject_key_id, first.subject_key_id);
    assert.deepEqual(await contactOf(subject), { erased: true });
  });

  it('is refused with the name of the legal hold until every hold is released', async () => {
    const subject = await newSubject();
    const made = await Promise.all([hold(subject, 'case 1'), hold(subject, 'case 2')]);
    const ids = made.map((response) => dataOf<LegalHold>(response).id);
    assert.deepEqual(
      made.map(({ status }) => status),
      [201, 201],
    );
    const same = await hold(subject, 'case 1');
    assert.equal(same.status, 200);
    assert.equal(dataOf<LegalHold>(same).id, ids[0]);
    for (const id of ids) {
      const refused = await erase(subject);
      assert.equal(refused.status, 409);
      assert.deepEqual([errorOf(refused).code, errorOf(refused).reason], ['conflict', 'legal_hold']);
      assert.match(errorOf(refused).details!, new RegExp(id));
      const released = await gateway.admin('DELETE', `/privacy/holds/${id}?reason=settled`);
      assert.equal(dataOf<LegalHold>(released).status, 'RELEASED', released.text);
    }
    assert.deepEqual(await contactOf(subject), { legal_name: `Name of ${subject}` });
    assert.equal((await erase(subject)).status, 201);
    const listed = (await gateway.admin('GET', `/privacy/holds?subject=${subject}&status=RELEASED`)).json as {
      data: LegalHold[];
    };
    assert.deepEqual(
      listed.data.map(({ id, status }) => `${id} ${status}`).toSorted(),
      ids.map((id) => `${id} RELEASED`).toSorted(),
    );
  });

  it('is prevented by a legal hold even if an operator deletes the key in the database', async () => {
    const subject = await newSubject();
    await hold(subject, 'case 3');
    await assert.rejects(
      gateway.database.sql`
        delete from privacy.subject_key
        where customer_hk = (select customer_hk from gateway.customer_h where customer_bk = ${subject})`,
      /under a legal hold/,
    );
    await assert.rejects(gateway.database.sql`truncate privacy.subject_key`, /refused/);
  });

  it('never succeeds together with a concurrent hold, in any order', async () => {
    for (let round = 0; round < 5; round += 1) {
      const subject = await newSubject();
      const [erased, held] = await Promise.all([erase(subject), hold(subject, 'race')]);
      assert.equal(held.status, 201);
      const is_erased = JSON.stringify(await contactOf(subject)) === JSON.stringify({ erased: true });
      assert.equal(erased.status, is_erased ? 201 : 409, erased.text);
    }
  });

  it('reports that the master keys cannot be renewed now, and renews them on a repeated request', async () => {
    const subject = await newSubject();
    const { subject_kms } = gateway.control;
    const away = {
      ...gateway.control,
      subject_kms: { ...subject_kms, destroyMasterKeys: async () => 'away' },
    };
    const { eraseSubject } = await import('../../../src/modules/privacy/erasures.ts');
    const decider = {
      decided_by: 'test',
      event: () => ({
        ...({ actor_kind: 'command', actor: 'test', action: 'privacy.erase', outcome: 'succeeded' } as const),
        subject_kind: 'customer',
      }),
    };
    const { certificate } = await eraseSubject(away, { subject, reason: REASON }, decider);
    assert.equal(certificate.copies.status, 'pending');
    assert.equal(certificate.copies.master_key_ids_left.length, 1);
    assert.match(certificate.statement, /keys rotate/);
    const again = dataOf<ErasureCertificate>(await erase(subject));
    assert.equal(again.id, certificate.id);
    assert.equal(again.copies.status, 'worthless');
  });

  it('refuses unknown subjects, and reasons that the log cannot contain', async () => {
    const subject = await newSubject();
    assert.equal((await erase('nobody')).status, 404);
    assert.equal((await hold('nobody', 'x')).status, 404);
    assert.equal((await erase('a\0b')).status, 404);
    for (const reason of ['', '  ', 'a\0b', '\ud800', 'x'.repeat(501), 'asked by jane@doe.example']) {
      assert.equal(errorOf(await erase(subject, reason)).param, 'reason', JSON.stringify(reason));
    }
    assert.equal((await gateway.admin('POST', '/privacy/erasures', { subject })).status, 422);
    const id = '0192f0c1-7e2b-7d5a-9c3e-2f1b4a6d8e90';
    for (const path of [`/privacy/erasures/${id}`, '/privacy/erasures/x']) {
      assert.equal((await gateway.admin('GET', path)).status, 404);
    }
    assert.equal((await gateway.admin('DELETE', `/privacy/holds/${id}?reason=x`)).status, 404);
    const made = dataOf<LegalHold>(await hold(subject, 'case 4'));
    assert.equal(errorOf(await gateway.admin('DELETE', `/privacy/holds/${made.id}`)).param, 'reason');
    assert.deepEqual(await contactOf(subject), { legal_name: `Name of ${subject}` });
  });

  it('is not assumed for a key that is missing without an erasure: a read fails with an error', async () => {
    const subject = await newSubject();
    await gateway.database.sql`
      delete from privacy.subject_key
      where customer_hk = (select customer_hk from gateway.customer_h where customer_bk = ${subject})`;
    assert.equal((await gateway.admin('GET', `/customers/${subject}/contact`)).status, 500);
    assert.match(gateway.logged.splice(0).join(), /no erasure explains why/);
  });

  it('leaves a vault with only valid hashes', async () => {
    const results = await checkVault(
      { sql: gateway.database.sql, registry: gateway.control.registry, clock: systemClock },
      () => {},
    );
    assert.deepEqual(
      results.filter(({ check, faults }) => faults > 0 && check !== 'partitions'),
      [],
    );
  });
});
