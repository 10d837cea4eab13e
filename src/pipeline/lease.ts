import type { Sql } from '../core/postgres.ts';
import { JobBusyError } from './job-errors.ts';

/**
 * Runs `work` while this instance alone holds the job: an advisory lock on a connection of its own, which PostgreSQL
 * frees when the connection ends, however it ends.
 * @throws JobBusyError that says who holds it
 */
export const withLease = async <T>(sql: Sql, job: string, work: () => Promise<T>): Promise<T> => {
  const lease = await sql.reserve();
  try {
    const key = `onevault job ${job}`;
    const [row] = await lease<{ is_ours: boolean }[]>`
      select pg_try_advisory_lock(hashtextextended(${key}, 0)) as is_ours`;
    if (row?.is_ours !== true) throw new JobBusyError(`the job ${job} ${await holderOf(lease, key)}`);
    try {
      return await work();
    } finally {
      // A connection that broke has freed the lock already.
      await lease`select pg_advisory_unlock(hashtextextended(${key}, 0))`.catch(() => undefined);
    }
  } finally {
    lease.release();
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
