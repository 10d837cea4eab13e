import type { EntityEntry } from '../dictionary.ts';

/** A hub or link in the picture, with the satellites that hang on it. */
export interface Card {
  readonly entry: EntityEntry;
  readonly satellites: readonly EntityEntry[];
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** From a link to one of its hubs, as the points where it leaves and arrives. */
export interface Edge {
  readonly link: string;
  readonly hub: string;
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cards: readonly Card[];
  readonly edges: readonly Edge[];
}

export const CARD_WIDTH = 264;
export const HEAD_HEIGHT = 46;
export const ROW_HEIGHT = 22;
const FOOT_HEIGHT = 8;
const COLUMN_GAP = 104;
const ROW_GAP = 22;
const MARGIN = 12;
// The order settles within a few sweeps; more change nothing.
const SWEEPS = 24;

interface Node {
  readonly entry: EntityEntry;
  readonly satellites: readonly EntityEntry[];
  readonly height: number;
  readonly neighbours: Node[];
  column: number;
  centre: number;
}

/**
 * Places hubs and links in columns: around the link with the most hubs, each next to what it relates to. Links relate
 * only hubs, so every line leads from one column to the next, and none passes behind a card.
 */
export const layOut = (entries: readonly EntityEntry[]): Layout => {
  const nodes = nodesOf(entries);
  const columns = columnsOf([...nodes.values()]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const order = sweep % 2 === 0 ? columns : columns.toReversed();
    for (const column of order) settle(column, sweep < SWEEPS / 2);
  }
  const top = Math.min(...[...nodes.values()].map(({ centre, height }) => centre - height / 2));
  const cards = [...nodes.values()].map(
    ({ entry, satellites, column, centre, height }): Card => ({
      entry,
      satellites,
      height,
      x: MARGIN + column * (CARD_WIDTH + COLUMN_GAP),
      y: Math.round(MARGIN + centre - height / 2 - top),
    }),
  );
  return {
    width: 2 * MARGIN + columns.length * (CARD_WIDTH + COLUMN_GAP) - COLUMN_GAP,
    height: MARGIN + Math.max(...cards.map(({ y, height }) => y + height)),
    cards,
    edges: edgesOf(cards),
  };
};

const nodesOf = (entries: readonly EntityEntry[]): Map<string, Node> => {
  const nodes = new Map<string, Node>();
  for (const entry of entries) {
    if (entry.kind === 'satellite') continue;
    const satellites = entries.filter(({ parent }) => parent === entry.table);
    const height = HEAD_HEIGHT + (satellites.length === 0 ? 0 : satellites.length * ROW_HEIGHT + FOOT_HEIGHT);
    nodes.set(entry.table, { entry, satellites, height, neighbours: [], column: -1, centre: 0 });
  }
  for (const node of nodes.values()) {
    for (const table of new Set(node.entry.hubs ?? [])) {
      const hub = nodes.get(table)!;
      node.neighbours.push(hub);
      hub.neighbours.push(node);
    }
  }
  return nodes;
};

/** Breadth first from the busiest node of each part; what relates to nothing fills the shortest columns. */
const columnsOf = (nodes: readonly Node[]): Node[][] => {
  const columns: Node[][] = [];
  const busiest = nodes.toSorted((a, b) => b.neighbours.length - a.neighbours.length);
  for (const start of busiest) {
    if (start.column !== -1) continue;
    const alone = start.neighbours.length === 0;
    start.column = alone ? columns.indexOf(shortest(columns)) : 0;
    const queue = [start];
    for (const node of queue) {
      columns[node.column] ??= [];
      columns[node.column]!.push(node);
      for (const next of node.neighbours) {
        if (next.column !== -1) continue;
        next.column = node.column + 1;
        queue.push(next);
      }
    }
  }
  for (const column of columns) stack(column, 0);
  return columns;
};

const heightOf = (column: readonly Node[]): number =>
  column.reduce((sum, { height }) => sum + height + ROW_GAP, -ROW_GAP);

const shortest = (columns: Node[][]): Node[] => {
  if (columns.length === 0) columns.push([]);
  return columns.toSorted((a, b) => heightOf(a) - heightOf(b))[0]!;
};

const stack = (column: readonly Node[], start: number): void => {
  let y = start - heightOf(column) / 2;
  for (const node of column) {
    node.centre = y + node.height / 2;
    y += node.height + ROW_GAP;
  }
};

/** Moves a column's nodes to the middle of their neighbours, as near as the space between them allows. */
const settle = (column: Node[], may_reorder: boolean): void => {
  const wanted = new Map(
    column.map((node) => [
      node,
      node.neighbours.length === 0
        ? Number.MAX_SAFE_INTEGER
        : node.neighbours.reduce((sum, { centre }) => sum + centre, 0) / node.neighbours.length,
    ]),
  );
  if (may_reorder) column.sort((a, b) => wanted.get(a)! - wanted.get(b)!);
  // Blocks of nodes that touch move as one to the mean of what they want (pool adjacent violators).
  const blocks: { nodes: Node[]; target: number; size: number }[] = [];
  for (const node of column) {
    const last = column.indexOf(node) === 0 ? 0 : column[column.indexOf(node) - 1]!.centre + node.height;
    const target = wanted.get(node) === Number.MAX_SAFE_INTEGER ? last : wanted.get(node)!;
    blocks.push({ nodes: [node], target, size: node.height + ROW_GAP });
    for (;;) {
      const [before, after] = [blocks.at(-2), blocks.at(-1)!];
      if (before === undefined || before.target + before.size / 2 <= after.target - after.size / 2) break;
      blocks.splice(-2, 2, merge(before, after));
    }
  }
  for (const block of blocks) {
    let y = block.target - block.size / 2 + ROW_GAP / 2;
    for (const node of block.nodes) {
      node.centre = y + node.height / 2;
      y += node.height + ROW_GAP;
    }
  }
};

interface Block {
  readonly nodes: Node[];
  readonly target: number;
  readonly size: number;
}

/** The centre of the merged block such that its nodes lie on average where they want to. */
const merge = (before: Block, after: Block): Block => {
  const size = before.size + after.size;
  const [count_before, count_after] = [before.nodes.length, after.nodes.length];
  const centre_before = before.target + after.size / 2;
  const centre_after = after.target - before.size / 2;
  return {
    nodes: [...before.nodes, ...after.nodes],
    target: (centre_before * count_before + centre_after * count_after) / (count_before + count_after),
    size,
  };
};

/** Lines leave a card's side side by side, in the order of where they lead. */
const edgesOf = (cards: readonly Card[]): Edge[] => {
  const by_table = new Map(cards.map((card) => [card.entry.table, card]));
  const pairs = cards.flatMap((link) =>
    [...new Set(link.entry.hubs ?? [])].map((hub) => ({ link, hub: by_table.get(hub)! })),
  );
  const portOf = (card: Card, other: Card): readonly [number, number] => {
    const is_right = other.x > card.x;
    const same_side = pairs
      .filter(({ link, hub }) => link === card || hub === card)
      .map(({ link, hub }) => (link === card ? hub : link))
      .filter(({ x }) => x > card.x === is_right)
      .toSorted((a, b) => a.y + a.height / 2 - (b.y + b.height / 2));
    const share = (same_side.indexOf(other) + 1) / (same_side.length + 1);
    return [card.x + (is_right ? CARD_WIDTH : 0), Math.round(card.y + share * card.height)];
  };
  return pairs.map(({ link, hub }) => ({
    link: link.entry.table,
    hub: hub.entry.table,
    from: portOf(link, hub),
    to: portOf(hub, link),
  }));
};
