import type { Context } from 'koa';
import { list, type Outcome, single } from '../http/outcome.ts';
import { cursorPagination, perPageOf, sliceOf } from '../http/paging.ts';
import type { EventDraft, Handler } from '../resources/serving/control-route.ts';

/** Serves a request by writing to its context. */
export type ContextHandler = (ctx: Context, draft: EventDraft) => Promise<void> | void;

/** Which rows a context asks for: so many, after that one. */
export const pageOf = (ctx: Context): { readonly limit: number; readonly after: string } => ({
  limit: ctx.state.per_page as number,
  after: ctx.state.after as string,
});

/** A handler that gives what another one wrote. */
export const fromContext =
  (handle: ContextHandler): Handler =>
  async ({ ctx, body, query, draft, cursors }): Promise<Outcome> => {
    ctx.state.body = body;
    ctx.state.per_page = perPageOf(query);
    ctx.state.after =
      query.cursor === undefined ? String(query.after ?? '') : String(cursors.open(String(query.cursor)).key[0]);
    await handle(ctx, draft);
    const written = ctx.body as object;
    const { status } = ctx;
    if (!('data' in written) || !Array.isArray(written.data)) return single(written, { status });
    if (!('next' in written)) {
      const { data, pagination } = sliceOf(written.data, query);
      return list(data, pagination);
    }
    const next = typeof written.next === 'string' ? written.next : null;
    const next_cursor = next === null ? null : cursors.seal({ key: [next], fixed: {} });
    return list(written.data, cursorPagination(perPageOf(query), next_cursor));
  };
