import type { Actor } from '../../audit/event.ts';
import { priceOf } from '../../catalog/price-rows.ts';
import { selectDeployments, selectPrices } from '../../catalog/snapshot-queries.ts';
import { OneVaultError } from '../../core/errors.ts';
import { lockName, type SaveDeps, save } from '../../resources/writing/save.ts';
import type { VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { type BookPrice, comparePrices, type PriceChange, type StandingPrice } from './compare-prices.ts';
import { priceRows } from './price-rows.ts';

/** Where prices are read. */
export interface PriceBook {
  /** Its name and version, as prices are recorded with. */
  readonly source: string;
  /** Whether a price that is recorded with this source was read in this book, in whatever version. */
  isOf(price_source: string): boolean;
  /** What it says of an offer, oldest first; null where it has none, or a text: why what it says cannot be taken. */
  find(deployment: { readonly provider: string; readonly model: string }): readonly BookPrice[] | string | null;
}

/** What a refresh would do with an offer. */
export interface OfferPlan {
  readonly deployment_hk: string;
  readonly model: string;
  readonly provider: string;
  readonly changes: readonly PriceChange[];
  /** Why it is left as it is, in a few words; null where it is the book's. */
  readonly kept: string | null;
}

/** Compares every offer's prices with the book's, from `now_ms` on. */
export const planRefresh = async (tx: Transaction, book: PriceBook, now_ms: number): Promise<OfferPlan[]> => {
  const [deployments, prices] = [await selectDeployments(tx), await selectPrices(tx)];
  const by_offer = Map.groupBy(prices, ({ deployment_hk }) => deployment_hk);
  return deployments.map(({ deployment_hk, model, provider }) => {
    const standing = (by_offer.get(deployment_hk) ?? []).map(
      (row): StandingPrice => ({ ...priceOf(row), price_source: row.price_source }),
    );
    const found = book.find({ model, provider });
    const now = standing.findLast(({ holds_from_ms }) => holds_from_ms <= now_ms);
    const kept = keptBecause(book, found, now);
    const changes = kept === null ? comparePrices(standing, found as readonly BookPrice[], now_ms, book.isOf) : [];
    return { deployment_hk, model, provider, changes, kept };
  });
};

const keptBecause = (
  book: PriceBook,
  found: ReturnType<PriceBook['find']>,
  now: StandingPrice | undefined,
): string | null => {
  if (now === undefined) return 'it has no price yet that could be refreshed';
  if (!now.is_offered) return 'it is no longer offered';
  if (found === null) return 'the price book does not have it';
  if (typeof found === 'string') return found;
  return book.isOf(now.price_source) ? null : `its price comes from elsewhere: ${now.price_source}`;
};

/**
 * Says what a plan holds, in one transaction with its audit event.
 * @param planned as `planRefresh` made it and somebody has seen it
 * @throws OneVaultError already_exists when prices have changed since, so that the plan is another
 */
export const refreshPrices = (
  deps: SaveDeps,
  book: PriceBook,
  {
    planned,
    now_ms,
    actor,
  }: { readonly planned: readonly OfferPlan[]; readonly now_ms: number; readonly actor: Actor },
): Promise<void> =>
  save(deps, async (stamp, tx) => {
    await lockName(tx, 'prices refresh');
    if (textOf(await planRefresh(tx, book, now_ms)) !== textOf(planned)) {
      throw new OneVaultError('already_exists', {
        details: 'Prices have changed since they were compared: compare again.',
      });
    }
    const said = planned.flatMap(({ deployment_hk, changes }): VaultRow[] =>
      changes.flatMap(({ applied_from, provider_model_name, tiers }) =>
        priceRows(
          deps.rows,
          deployment_hk,
          { terms: { provider_model_name, price_source: book.source, is_offered: true }, tiers },
          { ...stamp, applied_date: applied_from },
        ),
      ),
    );
    if (said.length === 0) return null;
    return { rows: said, events: [{ ...actor, ...EVENT, subject: book.source, after: toldOf(planned) }] };
  });

const EVENT = { action: 'prices.refresh', subject_kind: 'price_book', outcome: 'succeeded' } as const;

// An event stays readable; the prices themselves stand in the vault, with this source.
const MOST_TOLD = 200;

const toldOf = (planned: readonly OfferPlan[]) => {
  const changed = planned.flatMap(({ model, provider, changes }) =>
    changes.map(({ applied_from }) => ({ model, provider, applied_from })),
  );
  return { prices: changed.length, changes: changed.slice(0, MOST_TOLD) };
};

const textOf = (plan: readonly OfferPlan[]): string =>
  JSON.stringify(plan, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
