/** Inputs of each node, by unique id. */
export type Parents = ReadonlyMap<string, readonly string[]>;

/** The nodes in an order in which each follows its inputs; null, with the cycle, if there is no such order. */
export const topologicalOrder = (parents: Parents): { order: string[]; cycle: string[] | null } => {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (id: string): string[] | null => {
    if (state.get(id) === 'done') return null;
    if (state.get(id) === 'open') return [...path.slice(path.indexOf(id)), id];
    state.set(id, 'open');
    path.push(id);
    for (const parent of parents.get(id) ?? []) {
      const cycle = visit(parent);
      if (cycle !== null) return cycle;
    }
    path.pop();
    state.set(id, 'done');
    order.push(id);
    return null;
  };
  for (const id of parents.keys()) {
    const cycle = visit(id);
    if (cycle !== null) return { order, cycle };
  }
  return { order, cycle: null };
};

/** All that a node reads, directly or not. */
export const ancestorsOf = (id: string, parents: Parents): Set<string> => reach(id, (next) => parents.get(next) ?? []);

/** All that reads a node, directly or not. */
export const descendantsOf = (id: string, parents: Parents): Set<string> => {
  const children = childrenOf(parents);
  return reach(id, (next) => children.get(next) ?? []);
};

/** Readers of each node. */
export const childrenOf = (parents: Parents): Map<string, string[]> => {
  const children = new Map<string, string[]>();
  for (const [id, reads] of parents) {
    for (const parent of reads) {
      const list = children.get(parent);
      if (list === undefined) children.set(parent, [id]);
      else list.push(id);
    }
  }
  return children;
};

const reach = (id: string, next: (id: string) => readonly string[]): Set<string> => {
  const seen = new Set<string>();
  const queue = [...next(id)];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    queue.push(...next(at));
  }
  return seen;
};
