import assert from 'node:assert/strict';
import { describeVault } from '../../../src/vault/dictionary.ts';
import { CARD_WIDTH, type Card, layOut } from '../../../src/vault/docs/layout.ts';
import { vaultPage } from '../../../src/vault/docs/page.ts';
import { registry } from '../vault-fixture.ts';

const entries = describeVault(registry);

describe('the page of the data dictionary', () => {
  it("shows every table with each column's type, meaning and privacy", () => {
    const page = vaultPage(registry);
    for (const { table, columns } of entries) {
      const [article] = page.split(`<article id="${table}"`)[1]?.split('</article>') ?? [];
      assert.ok(article !== undefined, table);
      for (const { name } of columns) assert.ok(article.includes(`<code>${name}</code>`), `${table}.${name}`);
    }
    assert.match(page, /<code>key_sha256<\/code> <span class="badge secret">secret<\/span>/);
    assert.match(page, /one partner at a time for<\/dt><dd><code>customer_hk<\/code>/);
    assert.match(page, /<code>numeric, null<\/code>.*pico-dollars/);
  });

  it('is deterministic, links only to its own parts, and loads no external resource', () => {
    const page = vaultPage(registry);
    assert.equal(page, vaultPage(registry));
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const targets = [...page.matchAll(/href="([^"]+)"/g)].map(([, target]) => target!);
    assert.ok(targets.length > 100);
    for (const target of targets) assert.ok(target.startsWith('#') && ids.has(target.slice(1)), target);
    assert.doesNotMatch(page, /\bsrc=|@import|url\(|https?:/);
  });
});

describe('the picture of the entities', () => {
  const { cards, edges, width, height } = layOut(entries);
  const isApart = (a: Card, b: Card): boolean =>
    Math.abs(a.x - b.x) >= CARD_WIDTH || a.y + a.height <= b.y || b.y + b.height <= a.y;

  it('has a card for each hub and link, none upon another, all within its bounds', () => {
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

  it('has each satellite on its parent, and a line from each link to each of its hubs, one column apart', () => {
    for (const { entry, satellites } of cards) {
      assert.deepEqual(
        satellites.map(({ table }) => table),
        entry.satellites,
      );
    }
    const related = entries.flatMap(({ table, hubs = [] }) => hubs.map((hub) => `${table} ${hub}`));
    assert.deepEqual(edges.map(({ link, hub }) => `${link} ${hub}`).toSorted(), related.toSorted());
    const columns = [...new Set(cards.map(({ x }) => x))].toSorted((a, b) => a - b);
    const columnOf = (table: string): number => columns.indexOf(cards.find(({ entry }) => entry.table === table)!.x);
    for (const { link, hub } of edges) assert.equal(Math.abs(columnOf(link) - columnOf(hub)), 1);
  });
});
