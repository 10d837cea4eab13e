import type { CursorPagination, PagePagination } from './outcome.ts';
import type { Query } from './query.ts';
import type { QueryParameter } from './route.ts';

const DEFAULT_PER_PAGE = 50;
const MAX_PER_PAGE = 200;
// Limit of the deprecated parameter, which is still valid.
const MAX_LIMIT = 1_000;
const MAX_PAGE = 1_000_000;
const MAX_CURSOR_CHARS = 4_096;
// As long as the request line can be.
const MAX_AFTER_CHARS = 16_384;

const per_page = {
  schema: { type: 'integer', minimum: 1, maximum: MAX_PER_PAGE, default: DEFAULT_PER_PAGE },
  description: 'Number of rows in a page.',
} as const satisfies QueryParameter;
const limit = {
  schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT },
  description: 'Old name of per_page.',
  is_deprecated: true,
} as const satisfies QueryParameter;

const after = {
  schema: { type: 'string', maxLength: MAX_AFTER_CHARS },
  description: 'Old name of cursor: the id after which the list continues.',
  is_deprecated: true,
} as const satisfies QueryParameter;

/** Parameters of a list with numbered pages. */
export const PAGE_QUERY = {
  page: {
    schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: 1 },
    description: 'Number of the page, from 1.',
  },
  per_page,
  limit,
  after,
} as const satisfies Readonly<Record<string, QueryParameter>>;

/** Parameters of a list with cursors. */
export const CURSOR_QUERY = {
  cursor: {
    schema: { type: 'string', maxLength: MAX_CURSOR_CHARS },
    description: 'Start of the page: meta.pagination.next_cursor of the page before.',
  },
  per_page,
  limit,
  after,
} as const satisfies Readonly<Record<string, QueryParameter>>;

/** Names of all these parameters, which are not filters. */
export const PAGING_NAMES: readonly string[] = [...Object.keys(PAGE_QUERY), ...Object.keys(CURSOR_QUERY)];

/** Requested number of rows. */
export const perPageOf = (query: Query): number => Number(query.per_page ?? query.limit ?? DEFAULT_PER_PAGE);

/** The requested page. @returns the number of rows to skip and to return */
export const pageOf = (query: Query): { readonly page: number; readonly per_page: number; readonly offset: number } => {
  const page = Number(query.page ?? 1);
  const size = perPageOf(query);
  return { page, per_page: size, offset: (page - 1) * size };
};

export const pagePagination = (
  { page, per_page: size }: { readonly page: number; readonly per_page: number },
  total: number,
): PagePagination => ({ page, per_page: size, total, pages: Math.ceil(total / size) });

/** One page of rows that are all in memory. */
export const sliceOf = <T>(
  rows: readonly T[],
  query: Query,
): { readonly data: readonly T[]; readonly pagination: PagePagination } => {
  const requested = pageOf(query);
  return {
    data: rows.slice(requested.offset, requested.offset + requested.per_page),
    pagination: pagePagination(requested, rows.length),
  };
};

/** @param next_cursor null at the end */
export const cursorPagination = (size: number, next_cursor: string | null): CursorPagination => ({
  per_page: size,
  has_more: next_cursor !== null,
  next_cursor,
  total_estimate: null,
});
