/** Which part of a list an answer is, in pages that are counted. */
export interface PagePagination {
  readonly page: number;
  readonly per_page: number;
  readonly total: number;
  readonly pages: number;
}

/** Which part of a list an answer is, where nobody counts: the cursor leads on. */
export interface CursorPagination {
  readonly per_page: number;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly total_estimate: number | null;
}

export type Pagination = PagePagination | CursorPagination;

interface Extras {
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What stands in `meta` besides version and timestamp. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** What a handler answers; the route puts it into its form. */
export type Outcome =
  | (Extras & { readonly kind: 'single'; readonly status: number; readonly data: unknown })
  | (Extras & { readonly kind: 'list'; readonly data: readonly unknown[]; readonly pagination: Pagination })
  | (Extras & { readonly kind: 'raw'; readonly content_type: string; readonly body: string | NodeJS.ReadableStream });

/** One resource. @param status 200 unless given */
export const single = (
  data: unknown,
  { status = 200, ...extras }: Extras & { readonly status?: number } = {},
): Outcome => ({
  kind: 'single',
  status,
  data,
  ...extras,
});

/** A part of a list. */
export const list = (data: readonly unknown[], pagination: Pagination, extras: Extras = {}): Outcome => ({
  kind: 'list',
  data,
  pagination,
  ...extras,
});

/** A document in a form of its own: a signed note, a file. */
export const raw = (content_type: string, body: string | NodeJS.ReadableStream, extras: Extras = {}): Outcome => ({
  kind: 'raw',
  content_type,
  body,
  ...extras,
});
