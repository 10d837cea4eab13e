/** End of a node of a run, for the nodes that wait for it. */
type Outcome = 'done' | 'blocked';

interface GraphInput {
  /** Nodes that each node waits for, among the nodes of this run. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
  /** Number of nodes that run at once. */
  readonly threads: number;
  /** Runs a node. It must not throw. */
  readonly run: (id: string) => Promise<Outcome>;
  /** Called with a node that does not run, because a node that it waits for is blocked. */
  readonly skip: (id: string, because: string) => void;
}

/** Runs every node after those it waits for, at most `threads` at once; what waits for a blocked node is skipped. */
export const runGraph = ({ parents, threads, run, skip }: GraphInput): Promise<void> =>
  new Promise((resolve, reject) => {
    const outcome = new Map<string, Outcome>();
    const waiting = new Set(parents.keys());
    let running = 0;
    const settle = (): void => {
      for (const id of waiting) {
        const states = (parents.get(id) ?? []).map((parent) => ({ parent, state: outcome.get(parent) }));
        const blocked = states.find(({ state }) => state === 'blocked');
        if (blocked !== undefined) {
          waiting.delete(id);
          outcome.set(id, 'blocked');
          skip(id, blocked.parent);
          settle();
          return;
        }
        if (running < threads && states.every(({ state }) => state === 'done')) start(id);
      }
      if (running === 0 && waiting.size === 0) resolve();
      else if (running === 0) reject(new Error(`these nodes wait for each other: ${[...waiting].join(', ')}`));
    };
    const start = (id: string): void => {
      waiting.delete(id);
      running++;
      run(id).then((result) => {
        running--;
        outcome.set(id, result);
        settle();
      }, reject);
    };
    settle();
  });
