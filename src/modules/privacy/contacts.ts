import { hash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidBody } from '../../http/faults.ts';
import { list, type Outcome, single } from '../../http/outcome.ts';
import { PAGE_QUERY, sliceOf } from '../../http/paging.ts';
import { namesEtag } from '../../resources/reading/etag.ts';
import type { ControlRequest } from '../../resources/serving/control-route.ts';
import { save } from '../../resources/writing/save.ts';
import { missingVersion } from '../../resources/writing/version-conflict.ts';
import { controlRoute } from '../control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { type Contact, type ContactState, readContactStates, sealContact } from './contact-states.ts';
import { CONTACT, CONTACT_STATE, CUSTOMER_CONTACT, one, PERSONAL } from './schemas.ts';
import { findSubject, lockSubject } from './subject.ts';
import { takeSubjectKey } from './subject-keys.ts';

// The limit of pii_encrypted, in hex, less the bytes that sealing adds.
const MAX_BYTES = 32_000;

/** `PUT /customers/{slug}/contact`: replaces the whole contact. An equal contact changes nothing. */
export const putContact = controlRoute(
  {
    ...PERSONAL,
    method: 'put',
    path: '/v1/customers/:slug/contact',
    aliases: ['/customers/:slug/contact'],
    operation_id: 'contact.write',
    summary: 'Replace the contact of a customer',
    permission: 'contact.write',
    action: 'contact.write',
    subject_kind: 'customer',
    subject: 'slug',
    body: { schema: CONTACT },
    responses: { 200: one(CUSTOMER_CONTACT, 'The contact.'), 201: one(CUSTOMER_CONTACT, 'The first contact.') },
    if_match: 'required',
  },
  (deps) => async (request) => {
    const { body: contact, draft } = request;
    const { slug } = request.params;
    const text = canonicalJson(contact, 'contact');
    if (Buffer.byteLength(text) > MAX_BYTES) {
      throw invalidBody([{ path: '', code: 'too_long', message: `A contact has ${MAX_BYTES} bytes at most.` }]);
    }
    await findSubject(deps.sql, slug);
    draft.shows([slug]);
    const customer_hk = deps.rows.hubKey('customer_h', { customer_bk: slug });
    let is_first = false;
    await save(deps, async (stamp, tx) => {
      await lockSubject(tx, slug);
      const current = (await readContactStates(deps, tx, slug)).at(-1);
      if (current !== undefined) refuseStale(request, etagOf(current));
      if (current?.erasure_id === null && canonicalJson(current.contact, 'contact') === text) return null;
      is_first = current === undefined;
      const key = await takeSubjectKey(deps, tx, customer_hk);
      try {
        const sealed = sealContact(key, { customer_hk, slug }, contact);
        return {
          rows: [deps.rows.satellite('customer_pii_s', customer_hk, sealed, stamp)],
          events: [draft.change(null, summaryOf(contact))],
        };
      } finally {
        key.key.fill(0);
      }
    });
    return showCurrent(deps, slug, is_first ? 201 : 200);
  },
);

/** The names of a contact's parts, without their contents. */
const summaryOf = (contact: Contact): object => ({
  parts: Object.keys(contact).toSorted(),
  people: contact.people?.length ?? 0,
});

/** `GET /customers/{slug}/contact`, decrypted; a tombstone if it was erased, null if there never was one. */
export const getContact = controlRoute(
  {
    ...PERSONAL,
    method: 'get',
    path: '/v1/customers/:slug/contact',
    aliases: ['/customers/:slug/contact'],
    operation_id: 'contact.read',
    summary: 'The contact of a customer, decrypted',
    permission: 'contact.read',
    action: 'contact.read',
    subject_kind: 'customer',
    subject: 'slug',
    responses: { 200: one(CUSTOMER_CONTACT, 'The contact.') },
    has_etag: true,
  },
  (deps) =>
    async ({ params, draft }) => {
      const { slug } = params;
      await findSubject(deps.sql, slug);
      draft.shows([slug]);
      return showCurrent(deps, slug, 200);
    },
);

/** `GET /customers/{slug}/contact/history`: every state, oldest first. */
export const getContactHistory = controlRoute(
  {
    ...PERSONAL,
    method: 'get',
    path: '/v1/customers/:slug/contact/history',
    aliases: ['/customers/:slug/contact/history'],
    operation_id: 'contact.history',
    summary: 'All states of the contact, oldest first',
    permission: 'contact.read',
    action: 'contact.read',
    subject_kind: 'customer',
    subject: 'slug',
    query: PAGE_QUERY,
    responses: { 200: { description: 'States.', schema: CONTACT_STATE, form: 'list' } },
  },
  (deps) =>
    async ({ params, query, draft }) => {
      const { slug } = params;
      await findSubject(deps.sql, slug);
      draft.shows([slug]);
      const { data, pagination } = sliceOf(await readContactStates(deps, deps.sql, slug), query);
      return list(data, pagination, { meta: { customer: slug } });
    },
);

const showCurrent = async (deps: ControlDeps, slug: string, status: number): Promise<Outcome> => {
  const current = (await readContactStates(deps, deps.sql, slug)).at(-1);
  const shown = {
    customer: slug,
    contact: current?.contact ?? null,
    since: current?.applied_date ?? null,
    erasure_id: current?.erasure_id ?? null,
  };
  return single(shown, { status, ...(current === undefined ? {} : { headers: { etag: etagOf(current) } }) });
};

/** Sealed contents never repeat, so the row and its erasure identify the state. */
const etagOf = ({ applied_date, load_date, erasure_id }: ContactState): string =>
  `"${hash('sha256', JSON.stringify([applied_date, load_date, erasure_id]))}"`;

/** @throws OneVaultError precondition_required, version_conflict */
const refuseStale = ({ ctx, is_alias }: Pick<ControlRequest, 'ctx' | 'is_alias'>, current_etag: string): void => {
  const if_match = ctx.get('if-match');
  if (if_match === '' && !is_alias) throw missingVersion();
  if (if_match === '' || namesEtag(if_match, current_etag)) return;
  throw new OneVaultError('version_conflict', { context: { current_etag, differing_fields: null } });
};
