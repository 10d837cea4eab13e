import { join } from 'node:path';
import type { Sql } from '../../src/postgres/connect.ts';

/** A small project with every supported feature. Real dbt builds it too. */
export const SHOP = join(import.meta.dirname, 'fixtures/shop');

/** The raw tables of the shop's sources: 5 customers and 50 orders, an hour apart, 48 of them above zero. */
export const createShop = async (sql: Sql): Promise<void> => {
  await sql`create schema raw`;
  await sql`create table raw.customer (id integer, name text)`;
  await sql`
    create table raw.orders (id integer, customer_id integer, kind text, amount numeric, ordered_at timestamptz)`;
  await sql`
    insert into raw.customer
    select i, 'c' || i
    from generate_series(1, 5) as i`;
  await sql`
    insert into raw.orders
    select i, 1 + i % 5, case i % 2 when 0 then 'book' else 'pen' end, (i - 2) * 12345678901,
      timestamptz '2026-01-01Z' + i * interval '1 hour'
    from generate_series(1, 50) as i`;
};
