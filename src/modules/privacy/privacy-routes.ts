import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { raw, single } from '../../http/outcome.ts';
import type { EventDraft, Handler } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import type { Decider } from './deps.ts';
import { eraseSubject, findErasure } from './erasures.ts';
import { EXPORT_RENDERERS, type ExportFormat } from './export-renderers.ts';
import { exportSubject } from './export-subject.ts';
import { findSubject } from './subject.ts';

interface ErasureRequest {
  readonly subject: string;
  readonly reason: string;
}

/** `POST /privacy/erasures`: the certificate; without new data since the last erasure, the certificate of that one. */
export const postErasure =
  (deps: ControlDeps): Handler =>
  async ({ body, draft }) => {
    const erasure_request = body as ErasureRequest;
    draft.about(erasure_request.subject);
    const { certificate, is_new } = await eraseSubject(deps, erasure_request, deciderOf(draft));
    draft.shows([certificate.subject]);
    return single(certificate, { status: is_new ? 201 : 200 });
  };

/** `GET /privacy/erasures/{id}`: the present certificate. */
export const getErasure =
  (deps: ControlDeps): Handler =>
  async ({ params, draft }) => {
    const certificate = await findErasure(deps.sql, params.id!);
    draft.shows([certificate.subject]);
    return single(certificate);
  };

/** `GET /privacy/exports/{subject}?format=json|html`: all stored data of a subject. */
export const getExport =
  (deps: ControlDeps): Handler =>
  async ({ params, query, draft }) => {
    const subject = params.subject!;
    const format = (query.format ?? 'json') as ExportFormat;
    await findSubject(deps.sql, subject);
    draft.shows([subject]);
    const stream = streamOf((write) => exportSubject(deps, { subject, format }, write));
    const headers = { 'content-disposition': `attachment; filename="${subject}.${format}"` };
    return raw(EXPORT_RENDERERS[format].content_type, stream, { headers });
  };

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
