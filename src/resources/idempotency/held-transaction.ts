import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';

/** Access to the database for one request, whose first transaction stays open until the response is stored. */
export interface HeldTransaction {
  /** Statements run in the held transaction once there is one. Later transactions are savepoints in it. */
  readonly sql: Sql;
  /** Commits the held transaction. Without one, it does nothing. */
  commit(): Promise<void>;
  /** Undoes the held transaction. Without one, it does nothing. */
  rollback(): Promise<void>;
}

type Work = (tx: Transaction) => Promise<unknown>;

/** @param sql a pool of connections */
export const holdTransaction = (sql: Sql): HeldTransaction => {
  let held: Transaction | null = null;
  let ending: Promise<unknown> = Promise.resolve();
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();

  const hold = (work: Work): Promise<unknown> => {
    const worked = Promise.withResolvers<unknown>();
    ending = sql.begin(async (tx) => {
      const result = await work(tx);
      held = tx;
      worked.resolve(result);
      await ended;
    });
    ending.catch(worked.reject);
    return worked.promise;
  };
  const begin = (...given: [Work] | [string, Work]): Promise<unknown> => {
    if (held !== null) return held.savepoint(given.at(-1) as Work);
    // A transaction with options reads.
    return given.length === 1 ? hold(given[0]) : sql.begin(...given);
  };
  return {
    sql: new Proxy(sql, {
      apply: (_target, _this, given) => Reflect.apply(held ?? sql, undefined, given) as unknown,
      get: (_target, name) => (name === 'begin' ? begin : (Reflect.get(held ?? sql, name) as unknown)),
    }),
    commit: async () => {
      resolve();
      await ending;
    },
    rollback: async () => {
      if (held === null) return;
      ended.catch(() => {});
      reject(new Error('the request failed'));
      await ending.catch(() => {});
    },
  };
};
