import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { EntityEntry } from '../dictionary.ts';

/** A hub or link in the diagram, with its satellites. */
export interface Card {
  readonly entry: EntityEntry;
  readonly satellites: readonly EntityEntry[];
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

type Point = readonly [number, number];

/** The line between a link and one of its hubs, from corner to corner. */
export interface Edge {
  readonly link: string;
  readonly hub: string;
  readonly points: readonly Point[];
  /** Its end at the hub. */
  readonly hub_end: Point;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cards: readonly Card[];
  readonly edges: readonly Edge[];
}

export const CARD_WIDTH = 240;
export const HEAD_HEIGHT = 46;
export const ROW_HEIGHT = 22;
const FOOT_HEIGHT = 8;

/** Options of the Eclipse Layout Kernel. */
const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.aspectRatio': '1.6',
  'elk.padding': '[top=12,left=12,bottom=12,right=12]',
  'elk.spacing.nodeNode': '22',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.spacing.componentComponent': '30',
  'elk.layered.spacing.nodeNodeBetweenLayers': '44',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
} as const;

/**
 * Places hubs and links as cards in layers. A line leads from a link's first hub, its subject, through the link to the
 * others; no line passes behind a card.
 */
export const layOut = async (entries: readonly EntityEntry[]): Promise<Layout> => {
  // It is large: only this command loads it.
  const { default: elk } = await import('elkjs/lib/elk.bundled.js');
  const cards = entries
    .filter(({ kind }) => kind !== 'satellite')
    .map((entry) => {
      const satellites = entries.filter(({ parent }) => parent === entry.table);
      const height = HEAD_HEIGHT + (satellites.length === 0 ? 0 : satellites.length * ROW_HEIGHT + FOOT_HEIGHT);
      return { entry, satellites, height };
    });
  const relations = cards.flatMap(({ entry }) =>
    (entry.hubs ?? []).map((hub, place) => ({ link: entry.table, hub, is_first: place === 0 })),
  );
  const graph: ElkNode = {
    id: 'vault',
    layoutOptions: OPTIONS,
    children: cards.map(({ entry, height }) => ({ id: entry.table, width: CARD_WIDTH, height })),
    edges: relations.map(({ link, hub, is_first }) => ({
      id: `${link} ${hub}`,
      sources: [is_first ? hub : link],
      targets: [is_first ? link : hub],
    })),
  };
  const laid_out = await new elk.default().layout(graph);
  const node_of = new Map(laid_out.children!.map((node) => [node.id, node]));
  const edge_of = new Map(laid_out.edges!.map((edge) => [edge.id, edge]));
  return {
    width: Math.ceil(laid_out.width!),
    height: Math.ceil(laid_out.height!),
    cards: cards.map((card) => {
      const { x, y } = node_of.get(card.entry.table)!;
      return { ...card, x: x!, y: y! };
    }),
    edges: relations.map(({ link, hub, is_first }) => {
      const points = pointsOf(edge_of.get(`${link} ${hub}`)!);
      return { link, hub, points, hub_end: is_first ? points[0]! : points.at(-1)! };
    }),
  };
};

const pointsOf = ({ sections }: ElkExtendedEdge): Point[] => {
  const [section] = sections!;
  const { startPoint, bendPoints = [], endPoint } = section!;
  return [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [x, y]);
};
