import { escapeHtml } from '../../core/html.ts';
import type { EntityEntry } from '../dictionary.ts';
import { CARD_WIDTH, type Card, type Edge, HEAD_HEIGHT, type Layout, layOut, ROW_HEIGHT } from './layout.ts';

/** The entity-relationship picture as an SVG element: hubs and links with their satellites, and what links relate. */
export const diagram = (entries: readonly EntityEntry[]): string => {
  const layout: Layout = layOut(entries);
  return [
    `<svg class="diagram" viewBox="0 0 ${layout.width} ${layout.height}" role="img" aria-label="Hubs, links and satellites">`,
    `<g class="edges">${layout.edges.map(edgeElement).join('')}</g>`,
    ...layout.cards.map(cardElement),
    '</svg>',
  ].join('\n');
};

const edgeElement = ({ link, hub, from, to }: Edge): string => {
  const middle = (from[0] + to[0]) / 2;
  const path = `M${from[0]} ${from[1]}C${middle} ${from[1]} ${middle} ${to[1]} ${to[0]} ${to[1]}`;
  return `<path d="${path}" data-ends="${link} ${hub}"/><circle cx="${to[0]}" cy="${to[1]}" r="3.5" data-ends="${link} ${hub}"/>`;
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
// Of the letters of a title, which no browser is here to measure: longer ones are squeezed into the card.
const LETTER_WIDTH = 7.2;

const squeeze = (title: string): string =>
  title.length * LETTER_WIDTH > TITLE_WIDTH ? ` textLength="${TITLE_WIDTH}" lengthAdjust="spacingAndGlyphs"` : '';
