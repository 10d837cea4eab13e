import { connect, type Sql } from './connect.ts';

/** Another instance runs the job; the message names it. */
export class JobBusyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JobBusyError';
  }
}

/**
 * Runs `work` while only this instance holds the job. The lock is an advisory lock on its own connection, which
 * PostgreSQL releases when the connection ends for any reason.
 * @param application_name name of that connection in pg_stat_activity
 * @throws JobBusyError that names the holder
 */
export const withLease = async <T>(
  { database_url, job, application_name }: { database_url: string; job: string; application_name: string },
  work: () => Promise<T>,
): Promise<T> => {
  // A pool of one connection that is never closed: if a reserved connection breaks, postgres.js 3.4.9 ends the whole
  // process (porsager/postgres#1208).
  const lease = connect(database_url, { application_name, max_connections: 1, idle_timeout_s: 0 });
  try {
    const key = `onevault job ${job}`;
    const [row] = await lease<{ is_ours: boolean }[]>`
      select pg_try_advisory_lock(hashtextextended(${key}, 0)) as is_ours`;
    if (row?.is_ours !== true) throw new JobBusyError(`the job ${job} ${await holderOf(lease, key)}`);
    return await work();
  } finally {
    await lease.end({ timeout: 1 });
  }
};

const holderOf = async (sql: Sql, key: string): Promise<string> => {
  const [holder] = await sql<{ pid: number; application_name: string; client: string; since: string }[]>`
    select a.pid, a.application_name, coalesce(host(a.client_addr), 'this machine') as client, a.backend_start as since
    from pg_locks l
    join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory'
      and l.granted
      and l.objsubid = 1
      and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(${key}, 0)`;
  if (holder === undefined) return 'was run by another instance until just now; try again';
  const { pid, application_name, client, since } = holder;
  return `is being run by "${application_name}" from ${client} (PostgreSQL process ${pid}, since ${since})`;
};
