/** Pagination of a list with numbered pages. */
export interface PagePagination {
  readonly page: number;
  readonly per_page: number;
  readonly total: number;
  readonly pages: number;
}

/** Pagination of a list with cursors and without totals. */
export interface CursorPagination {
  readonly per_page: number;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly total_estimate: number | null;
}

export type Pagination = PagePagination | CursorPagination;

interface Extras {
  /** Headers by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields of `meta` besides version and timestamp. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** Result of a handler; the route writes it in the form of its contract. */
export type Outcome =
  | (Extras & { readonly kind: 'single'; readonly status: number; readonly data: unknown })
  | (Extras & { readonly kind: 'list'; readonly data: readonly unknown[]; readonly pagination: Pagination })
  | (Extras & { readonly kind: 'raw'; readonly content_type: string; readonly body: string | NodeJS.ReadableStream });

/** One resource. @param status by default 200 */
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

/** A document without envelope: a signed note, a file. */
export const raw = (content_type: string, body: string | NodeJS.ReadableStream, extras: Extras = {}): Outcome => ({
  kind: 'raw',
  content_type,
  body,
  ...extras,
});
