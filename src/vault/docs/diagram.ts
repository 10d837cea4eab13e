import { escapeHtml } from '../../core/html.ts';
import type { EntityEntry } from '../dictionary.ts';
import { CARD_WIDTH, type Card, type Edge, HEAD_HEIGHT, layOut, ROW_HEIGHT } from './layout.ts';

/** The entity-relationship diagram as an SVG element: hubs and links with their satellites, and lines between them. */
export const diagram = async (entries: readonly EntityEntry[]): Promise<string> => {
  const layout = await layOut(entries);
  return [
    `<svg class="diagram" viewBox="0 0 ${layout.width} ${layout.height}" role="img" aria-label="Hubs, links and satellites">`,
    `<g class="edges">${layout.edges.map(edgeElement).join('')}</g>`,
    ...layout.cards.map(cardElement),
    '</svg>',
  ].join('\n');
};

const edgeElement = ({ link, hub, points, hub_end: [x, y] }: Edge): string => {
  const path = `M${points.map((point) => point.join(' ')).join('L')}`;
  return `<path d="${path}" data-ends="${link} ${hub}"/><circle cx="${x}" cy="${y}" r="3.5" data-ends="${link} ${hub}"/>`;
};

const cardElement = ({ entry, satellites, x, y, height }: Card): string => {
  const rows = satellites.map(
    (satellite, at) =>
      `<a href="#${satellite.table}"><rect class="row" x="6" y="${HEAD_HEIGHT + at * ROW_HEIGHT}" width="${CARD_WIDTH - 12}" height="${ROW_HEIGHT}" rx="4"/>` +
      `<circle class="dot" cx="18" cy="${HEAD_HEIGHT + at * ROW_HEIGHT + ROW_HEIGHT / 2}" r="3.5"/>` +
      `<text class="satellite" x="30" y="${HEAD_HEIGHT + at * ROW_HEIGHT + 15}">${escapeHtml(satellite.table)}</text></a>`,
  );
  return [
    `<g class="card ${entry.kind}" transform="translate(${x} ${y})" data-table="${entry.table}">`,
    `<rect class="body" width="${CARD_WIDTH}" height="${height}" rx="9"/>`,
    `<rect class="stripe" y="9" width="4" height="${height - 18}" rx="2"/>`,
    `<a href="#${entry.table}"><text class="title" x="16" y="23"${squeeze(entry.title)}>${escapeHtml(entry.title)}</text>`,
    `<text class="table" x="16" y="38">${entry.schema}.${entry.table}</text></a>`,
    ...rows,
    '</g>',
  ].join('');
};

const TITLE_WIDTH = CARD_WIDTH - 28;
// Estimated width of a letter, because no browser measures it here; longer titles are compressed into the card.
const LETTER_WIDTH = 8;

const squeeze = (title: string): string =>
  title.length * LETTER_WIDTH > TITLE_WIDTH ? ` textLength="${TITLE_WIDTH}" lengthAdjust="spacingAndGlyphs"` : '';
