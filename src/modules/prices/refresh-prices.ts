import type { Actor } from '../../audit/event.ts';
import { priceOf } from '../../catalog/read-price.ts';
import { selectDeployments, selectPrices } from '../../catalog/snapshot-queries.ts';
import { OneVaultError } from '../../core/errors.ts';
import { lockName, type SaveDeps, save } from '../../resources/writing/save.ts';
import type { VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { type BookPrice, comparePrices, type PriceChange, type RecordedPrice } from './compare-prices.ts';
import { priceRows } from './price-rows.ts';

/** A source of prices. */
export interface PriceBook {
  /** Its name and version, which recorded prices name as their source. */
  readonly source: string;
  /** True if a price with this recorded source came from any version of this book. */
  isOf(price_source: string): boolean;
  /** The prices of a deployment, oldest first; null if the book has none; a text if they cannot be used: the reason. */
  find(deployment: { readonly provider: string; readonly model: string }): readonly BookPrice[] | string | null;
}

/** The changes that a refresh would make to the prices of a deployment. */
export interface DeploymentPlan {
  readonly deployment_hk: string;
  readonly model: string;
  readonly provider: string;
  readonly changes: readonly PriceChange[];
  /** The reason why its prices stay as they are, in a few words; null if they follow the book. */
  readonly kept: string | null;
}

/** Compares the prices of every deployment with the book's, from `now_ms` on. */
export const planRefresh = async (tx: Transaction, book: PriceBook, now_ms: number): Promise<DeploymentPlan[]> => {
  const [deployments, prices] = [await selectDeployments(tx), await selectPrices(tx)];
  const by_deployment = Map.groupBy(prices, ({ deployment_hk }) => deployment_hk);
  return deployments.map(({ deployment_hk, model, provider }) => {
    const recorded = (by_deployment.get(deployment_hk) ?? []).map(
      (row): RecordedPrice => ({ ...priceOf(row), price_source: row.price_source }),
    );
    const found = book.find({ model, provider });
    const now = recorded.findLast(({ holds_from_ms }) => holds_from_ms <= now_ms);
    const kept = keptBecause(book, found, now);
    const changes = kept === null ? comparePrices(recorded, found as readonly BookPrice[], now_ms, book.isOf) : [];
    return { deployment_hk, model, provider, changes, kept };
  });
};

const keptBecause = (
  book: PriceBook,
  found: ReturnType<PriceBook['find']>,
  now: RecordedPrice | undefined,
): string | null => {
  if (now === undefined) return 'it has no price yet that could be refreshed';
  if (!now.is_offered) return 'it is no longer offered';
  if (found === null) return 'the price book does not have it';
  if (typeof found === 'string') return found;
  return book.isOf(now.price_source) ? null : `its price comes from elsewhere: ${now.price_source}`;
};

/**
 * Records the prices of a plan, in one transaction with its audit event.
 * @param planned the result of `planRefresh`, as a person has seen it
 * @throws OneVaultError already_exists if prices have changed since, so that the plan differs
 */
export const refreshPrices = (
  deps: SaveDeps,
  book: PriceBook,
  {
    planned,
    now_ms,
    actor,
  }: { readonly planned: readonly DeploymentPlan[]; readonly now_ms: number; readonly actor: Actor },
): Promise<void> =>
  save(deps, async (stamp, tx) => {
    await lockName(tx, 'prices refresh');
    if (textOf(await planRefresh(tx, book, now_ms)) !== textOf(planned)) {
      throw new OneVaultError('already_exists', {
        details: 'Prices have changed since the comparison: compare again.',
      });
    }
    const rows = planned.flatMap(({ deployment_hk, changes }): VaultRow[] =>
      changes.flatMap(({ applied_from, provider_model_name, tiers }) =>
        priceRows(
          deps.rows,
          deployment_hk,
          { terms: { provider_model_name, price_source: book.source, is_offered: true }, tiers },
          { ...stamp, applied_date: applied_from },
        ),
      ),
    );
    if (rows.length === 0) return null;
    return { rows, events: [{ ...actor, ...EVENT, subject: book.source, after: summaryOf(planned) }] };
  });

const EVENT = { action: 'prices.refresh', subject_kind: 'price_book', outcome: 'succeeded' } as const;

// An event stays short; the vault has the prices themselves, with this source.
const MAX_EVENT_CHANGES = 200;

const summaryOf = (planned: readonly DeploymentPlan[]) => {
  const changed = planned.flatMap(({ model, provider, changes }) =>
    changes.map(({ applied_from }) => ({ model, provider, applied_from })),
  );
  return { prices: changed.length, changes: changed.slice(0, MAX_EVENT_CHANGES) };
};

const textOf = (plan: readonly DeploymentPlan[]): string =>
  JSON.stringify(plan, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
