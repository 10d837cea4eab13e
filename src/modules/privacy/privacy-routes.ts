import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { raw, single } from '../../http/outcome.ts';
import type { EventDraft } from '../../resources/serving/control-route.ts';
import { controlRoute } from '../control-route.ts';
import type { Decider } from './deps.ts';
import { eraseSubject, findErasure } from './erasures.ts';
import { EXPORT_RENDERERS } from './export-renderers.ts';
import { exportSubject } from './export-subject.ts';
import { CERTIFICATE, DECISION, one, PERSONAL } from './schemas.ts';
import { findSubject } from './subject.ts';

/** `POST /privacy/erasures`: the certificate; without new data since the last erasure, the certificate of that one. */
export const postErasure = controlRoute(
  {
    ...PERSONAL,
    method: 'post',
    path: '/v1/privacy/erasures',
    aliases: ['/privacy/erasures'],
    outlives_transaction: true,
    operation_id: 'privacy.erase',
    summary: "Erase a subject's personal data",
    description: 'Art. 17 GDPR: the key that encrypts the data is destroyed.',
    permission: 'privacy.erase',
    action: 'privacy.erase',
    subject_kind: 'customer',
    body: { schema: DECISION },
    responses: {
      200: one(CERTIFICATE, 'The certificate of the erasure that was.'),
      201: one(CERTIFICATE, 'The certificate.'),
    },
    errors: { 404: 'There is no such subject.', 409: 'A legal hold keeps the data.' },
  },
  (deps) =>
    async ({ body, draft }) => {
      draft.about(body.subject);
      const { certificate, is_new } = await eraseSubject(deps, body, deciderOf(draft));
      draft.shows([certificate.subject]);
      return single(certificate, { status: is_new ? 201 : 200 });
    },
);

/** `GET /privacy/erasures/{id}`: the present certificate. */
export const getErasure = controlRoute(
  {
    ...PERSONAL,
    method: 'get',
    path: '/v1/privacy/erasures/:id',
    aliases: ['/privacy/erasures/:id'],
    operation_id: 'privacy.read',
    summary: 'The certificate of an erasure',
    permission: 'privacy.read',
    action: 'privacy.read',
    subject_kind: 'erasure',
    subject: 'id',
    responses: { 200: one(CERTIFICATE, 'The certificate.') },
  },
  (deps) =>
    async ({ params, draft }) => {
      const certificate = await findErasure(deps.sql, params.id);
      draft.shows([certificate.subject]);
      return single(certificate);
    },
);

/** `GET /privacy/exports/{subject}?format=json|html`: all stored data of a subject. */
export const getExport = controlRoute(
  {
    ...PERSONAL,
    method: 'get',
    path: '/v1/privacy/exports/:subject',
    aliases: ['/privacy/exports/:subject'],
    operation_id: 'privacy.export',
    summary: 'All stored data of a subject',
    description: 'Art. 15 GDPR.',
    permission: 'privacy.export',
    action: 'privacy.export',
    subject_kind: 'customer',
    subject: 'subject',
    query: { format: { schema: { enum: ['json', 'html'], default: 'json' }, description: 'The form of the file.' } },
    responses: {
      200: { description: 'A file.', schema: {}, form: 'bare', content_types: ['application/json', 'text/html'] },
    },
  },
  (deps) =>
    async ({ params, query, draft }) => {
      const subject = params.subject;
      const format = query.format ?? 'json';
      await findSubject(deps.sql, subject);
      draft.shows([subject]);
      const stream = streamOf((write) => exportSubject(deps, { subject, format }, write));
      const headers = { 'content-disposition': `attachment; filename="${subject}.${format}"` };
      return raw(EXPORT_RENDERERS[format].content_type, stream, { headers });
    },
);

const deciderOf = (draft: EventDraft): Decider => ({
  decided_by: draft.caller.actor,
  event: (subject, after) => {
    draft.shows([subject]);
    return draft.change(null, after);
  },
});

/** A stream that starts when its reader starts, and stops when its reader stops. */
const streamOf = (produce: (write: (text: string) => Promise<void>) => Promise<void>): PassThrough => {
  const stream = new PassThrough();
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  const write = async (text: string): Promise<void> => {
    gone.signal.throwIfAborted();
    if (!stream.write(text)) await once(stream, 'drain', { signal: gone.signal });
  };
  stream.once('resume', () => {
    produce(write).then(
      () => stream.end(),
      (error: Error) => stream.destroy(error),
    );
  });
  return stream;
};
