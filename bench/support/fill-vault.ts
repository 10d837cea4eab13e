import { connect, type Sql } from '../../src/postgres/connect.ts';
import { progress } from './bench.ts';

const CONNECTIONS = 2;
const PROGRESS_COPIES = 10;

const otherKey = (column: string): string => `sha256(${column} || int8send($1::bigint))`;

/** SQL for the key columns of each copy of the calls, by table; all other columns stay. */
const TABLES = {
  api_request_h: { api_request_hk: otherKey('api_request_hk'), api_request_bk: 'gen_random_uuid()::text' },
  api_request_l: {
    api_request_link_hk: otherKey('api_request_link_hk'),
    api_request_hk: otherKey('api_request_hk'),
  },
  api_request_s: { api_request_hk: otherKey('api_request_hk'), hash_diff: otherKey('hash_diff') },
  api_request_route_s: { api_request_hk: otherKey('api_request_hk'), hash_diff: otherKey('hash_diff') },
} as const;

/**
 * Gives the vault a history: copies its calls with other keys and earlier times, one after another, until it holds
 * `total`. Earlier calls of the same day, as far as it has room, are in the indexes that the next load writes.
 */
export const fillVault = async (database_url: string, total: number): Promise<void> => {
  const sql = connect(database_url, { max_connections: CONNECTIONS, statement_timeout_ms: 0 });
  try {
    const [held] = await sql<{ calls: number; span_s: number; first: string; last: string }[]>`
      select count(*) as calls, extract(epoch from max(load_date) - min(load_date))::float8 + 0.001 as span_s,
        min(load_date) as first, max(load_date) as last
      from gateway.api_request_s
      where load_date > '2000-01-01'`;
    const { calls, span_s, first, last } = held!;
    const copies = Math.ceil(total / calls) - 1;
    await sql`
      select util.ensure_partitions((${first}::timestamptz - ${copies * span_s} * interval '1 second')::date, ${last}::timestamptz::date)`;
    let next = copies;
    const work = async (): Promise<void> => {
      while (next > 0) {
        const copy = next;
        next -= 1;
        await copyCalls(sql, { copy, span_s, first, last });
        if (copy % PROGRESS_COPIES === 0) progress(`history: ${copy * calls} calls to go`);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
    // Real old calls are already vacuumed; without this, autovacuum would run during the measurement.
    for (const table of Object.keys(TABLES)) await sql.unsafe(`vacuum (freeze, analyze) gateway.${table}`);
    await sql`checkpoint`;
  } finally {
    await sql.end({ timeout: 1 });
  }
};

interface Shift {
  readonly copy: number;
  readonly span_s: number;
  readonly first: string;
  readonly last: string;
}

const copyCalls = async (sql: Sql, { copy, span_s, first, last }: Shift): Promise<void> => {
  for (const [table, changed] of Object.entries(TABLES)) {
    const columns = await sql<{ name: string }[]>`
      select column_name as name
      from information_schema.columns
      where table_schema = 'gateway' and table_name = ${table}
      order by ordinal_position`;
    const values = columns.map(({ name }) => {
      if (name === 'load_date') return "load_date - $2::float8 * interval '1 second'";
      return (changed as Readonly<Record<string, string>>)[name] ?? name;
    });
    await sql.unsafe(
      `insert into gateway.${table} (${columns.map(({ name }) => name).join(', ')})
       select ${values.join(', ')}
       from gateway.${table}
       where load_date between $3::text::timestamptz and $4::text::timestamptz
         and $1::bigint > 0
       order by load_date`,
      [copy, copy * span_s, first, last],
      { prepare: true },
    );
  }
};
