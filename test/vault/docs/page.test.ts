import assert from 'node:assert/strict';
import { describeVault } from '../../../src/vault/dictionary.ts';
import { CARD_WIDTH, type Card, type Layout, layOut } from '../../../src/vault/docs/layout.ts';
import { vaultPage } from '../../../src/vault/docs/page.ts';
import { registry } from '../vault-fixture.ts';

const entries = describeVault(registry);

describe('the page of the data dictionary', () => {
  it("shows every table with each column's type, meaning and privacy", async () => {
    const page = await vaultPage(registry);
    for (const { table, columns } of entries) {
      const [article] = page.split(`<article id="${table}"`)[1]?.split('</article>') ?? [];
      assert.ok(article !== undefined, table);
      for (const { name } of columns) assert.ok(article.includes(`<code>${name}</code>`), `${table}.${name}`);
    }
    assert.match(page, /<code>key_sha256<\/code> <span class="badge secret">secret<\/span>/);
    assert.match(page, /one partner at a time for<\/dt><dd><code>customer_hk<\/code>/);
    assert.match(page, /<code>numeric, null<\/code>.*pico-dollars/);
  });

  it('is deterministic, links only to its own parts, and loads no external resource', async () => {
    const page = await vaultPage(registry);
    assert.equal(page, await vaultPage(registry));
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const targets = [...page.matchAll(/href="([^"]+)"/g)].map(([, target]) => target!);
    assert.ok(targets.length > 100);
    for (const target of targets) assert.ok(target.startsWith('#') && ids.has(target.slice(1)), target);
    assert.doesNotMatch(page, /\bsrc=|@import|url\(|https?:/);
  });
});

describe('the diagram of the entities', () => {
  let layout: Layout;
  before(async () => {
    layout = await layOut(entries);
  });
  const isApart = (a: Card, b: Card): boolean =>
    Math.abs(a.x - b.x) >= CARD_WIDTH || a.y + a.height <= b.y || b.y + b.height <= a.y;

  it('has a card for each hub and link, none upon another, all within its bounds', () => {
    const { cards, width, height } = layout;
    assert.deepEqual(
      cards.map(({ entry }) => entry.table).toSorted(),
      entries
        .filter(({ kind }) => kind !== 'satellite')
        .map(({ table }) => table)
        .toSorted(),
    );
    for (const [at, card] of cards.entries()) {
      assert.ok(card.x >= 0 && card.y >= 0 && card.x + CARD_WIDTH <= width && card.y + card.height <= height);
      for (const other of cards.slice(at + 1)) {
        assert.ok(isApart(card, other), `${card.entry.table} lies on ${other.entry.table}`);
      }
    }
  });

  it('has each satellite on its parent, and a line from each link to each of its hubs that passes behind no card', () => {
    const { cards, edges } = layout;
    for (const { entry, satellites } of cards) {
      assert.deepEqual(
        satellites.map(({ table }) => table),
        entry.satellites,
      );
    }
    const related = entries.flatMap(({ table, hubs = [] }) => hubs.map((hub) => `${table} ${hub}`));
    assert.deepEqual(edges.map(({ link, hub }) => `${link} ${hub}`).toSorted(), related.toSorted());
    const card_of = new Map(cards.map((card) => [card.entry.table, card]));
    for (const { link, hub, points, hub_end } of edges) {
      assert.ok(touches(card_of.get(hub)!, hub_end), `the line from ${link} ends beside ${hub}`);
      const link_end = hub_end === points[0] ? points.at(-1)! : points[0]!;
      assert.ok(touches(card_of.get(link)!, link_end), `the line to ${hub} begins beside ${link}`);
      for (const [at, to] of points.slice(1).entries()) {
        for (const card of cards) {
          assert.ok(
            !crosses(card, points[at]!, to),
            `the line from ${link} to ${hub} passes behind ${card.entry.table}`,
          );
        }
      }
    }
  });
});

type Point = readonly [number, number];

const touches = ({ x, y, height }: Card, [at_x, at_y]: Point): boolean =>
  (at_x === x || at_x === x + CARD_WIDTH) && at_y >= y && at_y <= y + height;

/** True if a horizontal or vertical line has a part inside a card. */
const crosses = ({ x, y, height }: Card, [from_x, from_y]: Point, [to_x, to_y]: Point): boolean => {
  assert.ok(from_x === to_x || from_y === to_y, 'lines have right angles');
  return (
    Math.max(from_x, to_x) > x &&
    Math.min(from_x, to_x) < x + CARD_WIDTH &&
    Math.max(from_y, to_y) > y &&
    Math.min(from_y, to_y) < y + height
  );
};
