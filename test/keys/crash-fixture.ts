import type { Kms } from '../../src/keys/kms.ts';
import type { Sql } from '../../src/postgres/connect.ts';

/** Simulates the death of the process: no code runs after it. */
export class Crash extends Error {}

/** Counts the side effects of a program, and ends it before or after the given one. */
export interface Crasher {
  readonly sql: Sql;
  readonly kms: Kms;
  /** Number of executed steps. */
  steps(): number;
}

/**
 * The same pool and key management service, with a simulated death at one step. Each statement, each commit and each
 * request to the service is a step.
 * @param at number of the step, from 1; 0 for none
 * @param when `after`: the step is executed, but its result is lost
 */
export const createCrasher = (sql: Sql, kms: Kms, at: number, when: 'before' | 'after'): Crasher => {
  let steps = 0;
  let is_dead = false;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    steps += 1;
    const is_last = steps === at;
    if (is_dead || (is_last && when === 'before')) {
      is_dead = true;
      throw new Crash(`before step ${steps}`);
    }
    const result = await work();
    if (is_last) {
      is_dead = true;
      throw new Crash(`after step ${steps}`);
    }
    return result;
  };
  const isStatement = (args: unknown[]): boolean => Array.isArray(args[0]) && 'raw' in args[0];
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      apply: (fn, self, args: unknown[]) => {
        const call = () => Reflect.apply(fn as never, self, args) as Promise<unknown>;
        return isStatement(args) ? step(async () => call()) : call();
      },
      get: (object, name) => {
        if (name !== 'begin') return Reflect.get(object, name);
        return (work: (tx: object) => Promise<unknown>) =>
          step(() => (object as unknown as Sql).begin((tx) => work(wrap(tx))) as Promise<unknown>);
      },
    });
  const watched = ['list', 'wrap', 'unwrap', 'rewrap', 'rotate', 'destroy'];
  return {
    sql: wrap(sql),
    kms: new Proxy(kms, {
      get: (object, name: keyof Kms) => {
        const member = object[name] as unknown;
        if (!watched.includes(name)) return member;
        return (...args: unknown[]) => step(() => (member as (...all: unknown[]) => Promise<unknown>)(...args));
      },
    }),
    steps: () => steps,
  };
};
