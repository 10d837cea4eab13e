import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Context } from 'koa';
import { OneVaultError } from '../../core/errors.ts';
import { readJson } from '../../http/body.ts';
import { readPage, readText } from '../../http/page.ts';
import { createValidator } from '../../http/validate.ts';
import type { EventDraft, Handler } from '../audited.ts';
import type { ControlDeps } from '../deps.ts';
import type { Decider } from './deps.ts';
import { eraseSubject, findErasure } from './erasures.ts';
import { EXPORT_RENDERERS, type ExportFormat } from './export-renderers.ts';
import { exportSubject } from './export-subject.ts';
import { layHold, listHolds, releaseHold } from './holds.ts';
import decision from './privacy-decision.schema.json' with { type: 'json' };
import { findSubject } from './subject.ts';

interface Asked {
  readonly subject: string;
  readonly reason: string;
}

/** `POST /privacy/erasures`: the certificate; that of the erasure that was, where nothing was said since. */
export const postErasure = (deps: ControlDeps): Handler => {
  const validate = createValidator<Asked>(decision);
  return async (ctx, draft) => {
    const asked = validate(await readJson(ctx.req));
    draft.about(asked.subject);
    const { certificate, is_new } = await eraseSubject(deps, asked, deciderOf(draft));
    draft.shows([certificate.subject]);
    ctx.status = is_new ? 201 : 200;
    ctx.body = certificate;
  };
};

/** `GET /privacy/erasures/{id}`: the certificate as it stands now. */
export const getErasure =
  (deps: ControlDeps): Handler =>
  async (ctx, draft) => {
    const id = ctx.params.id as string;
    draft.about(id);
    const certificate = await findErasure(deps.sql, id);
    draft.shows([certificate.subject]);
    ctx.body = certificate;
  };

/** `POST /privacy/holds`. */
export const postHold = (deps: ControlDeps): Handler => {
  const validate = createValidator<Asked>(decision);
  return async (ctx, draft) => {
    const asked = validate(await readJson(ctx.req));
    draft.about(asked.subject);
    const { hold, is_new } = await layHold(deps, asked, deciderOf(draft));
    draft.shows([hold.subject]);
    ctx.status = is_new ? 201 : 200;
    ctx.body = hold;
  };
};

/** `DELETE /privacy/holds/{id}?reason=`: releases. */
export const deleteHold =
  (deps: ControlDeps): Handler =>
  async (ctx, draft) => {
    const id = ctx.params.id as string;
    draft.about(id);
    const reason = readText(ctx.query, 'reason') ?? '';
    const hold = await releaseHold(deps, { id, reason }, deciderOf(draft));
    draft.shows([hold.subject]);
    ctx.body = hold;
  };

/** `GET /privacy/holds?subject=&limit=&after=`, released ones too. */
export const getHolds =
  (deps: ControlDeps): Handler =>
  async (ctx, draft) => {
    const { limit, after } = readPage(ctx.query);
    const holds = await listHolds(deps.sql, { limit, after, subject: readText(ctx.query, 'subject') });
    draft.shows([...new Set(holds.map(({ subject }) => subject))]);
    ctx.body = { data: holds, next: holds.length === limit ? holds.at(-1)!.id : null };
  };

/** `GET /privacy/exports/{subject}?format=json|html`: everything that is held about a subject. */
export const getExport =
  (deps: ControlDeps): Handler =>
  async (ctx, draft) => {
    const subject = ctx.params.subject as string;
    draft.about(subject);
    const format = readFormat(ctx);
    await findSubject(deps.sql, subject);
    draft.shows([subject]);
    ctx.type = EXPORT_RENDERERS[format].content_type;
    ctx.attachment(`${subject}.${format}`);
    ctx.body = streamOf((write) => exportSubject(deps, { subject, format }, write));
  };

const deciderOf = (draft: EventDraft): Decider => ({
  decided_by: draft.caller.actor,
  event: (subject, after) => {
    draft.shows([subject]);
    return draft.change(null, after);
  },
});

const readFormat = ({ query }: Context): ExportFormat => {
  const format = readText(query, 'format') ?? 'json';
  if (format === 'json' || format === 'html') return format;
  throw new OneVaultError('invalid_request', { param: 'format', details: 'format is json or html.' });
};

/** A stream that begins its work when somebody reads it, and gives it up when nobody does any more. */
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
