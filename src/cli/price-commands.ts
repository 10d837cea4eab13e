import { createInterface } from 'node:readline/promises';
import { CATALOG } from '../../seeds/catalog/catalog.ts';
import { type BookTier, packagedPrices, packagedVersion } from '../../seeds/writing/price-book.ts';
import { systemClock } from '../core/clock.ts';
import { asOneVaultError, OneVaultError } from '../core/errors.ts';
import { InputError } from '../core/input-error.ts';
import { type Pico, usdFromPico } from '../core/money.ts';
import type { BookPrice } from '../modules/prices/compare-prices.ts';
import { type DeploymentPlan, type PriceBook, planRefresh, refreshPrices } from '../modules/prices/refresh-prices.ts';
import { PRICE_UNITS, type PriceUnit, statedCount } from '../pricing/price-units.ts';
import type { PriceTier, UnitPrices } from '../pricing/prices.ts';
import type { Config } from '../server/config.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withFailureEvent } from './command-events.ts';

export interface RefreshOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/**
 * `onevault prices refresh`: shows the differences between the vault's prices and the installed price data, and writes
 * the latter after an agreement. It fetches nothing.
 */
export const refreshCommand = (config: Config, options: RefreshOptions): Promise<void> =>
  runCommand(config, { name: 'prices refresh', max_connections: 2 }, async (command) => {
    const { sql } = command;
    const now_ms = systemClock.now();
    const book = packagedBook();
    const planned = await sql.begin('isolation level repeatable read read only', (tx) => planRefresh(tx, book, now_ms));
    console.log(planText(planned, book.source));
    const is_same = planned.every(({ changes }) => changes.length === 0);
    if (is_same || options.dryRun === true) return;
    if (options.yes !== true && !(await isAgreed())) {
      throw new InputError('nothing was written: agree with --yes, or look only with --dry-run');
    }
    await writePrices(command, book, planned, now_ms);
    console.log('\nwritten: calls are rated with these prices from when they apply');
  });

const writePrices = async (
  command: CommandDeps,
  book: PriceBook,
  planned: readonly DeploymentPlan[],
  now_ms: number,
): Promise<void> => {
  const deps = { ...command, refreshSnapshot: async () => {} };
  const event = { action: 'prices.refresh', subject_kind: 'price_book', subject: book.source };
  try {
    await withFailureEvent(
      command,
      event,
      () => refreshPrices(deps, book, { planned, now_ms, actor: command.actor }),
      (error) => asOneVaultError(error).code,
    );
  } catch (error) {
    throw error instanceof OneVaultError && error.details !== null ? new InputError(error.details) : error;
  }
};

const SOURCE = '@pydantic/genai-prices';

/** The price data of the installed package; deployments have the names that the catalog gives for this book. */
export const packagedBook = (): PriceBook => {
  const names = new Map(CATALOG.map(({ provider, model, priced_as }) => [`${provider}/${model}`, priced_as] as const));
  return {
    source: `${SOURCE} ${packagedVersion()}`,
    isOf: (price_source) => price_source.startsWith(`${SOURCE} `),
    find: ({ provider, model }) => {
      const named = names.get(`${provider}/${model}`);
      if (named === null) return null;
      try {
        const entry = packagedPrices(...(named ?? ([provider, model] as const)));
        return (
          entry?.periods.map(
            ({ from, tiers }): BookPrice => ({
              from_ms: from === null ? null : Date.parse(from),
              tiers: tiers.map(tierOf),
            }),
          ) ?? null
        );
      } catch (error) {
        if (error instanceof RangeError) return `its price cannot be taken: ${error.message}`;
        throw error;
      }
    },
  };
};

const tierOf = (tier: BookTier): PriceTier => ({
  tier: tier.tier,
  service_tier: tier.service_tier,
  above_prompt_tokens: tier.above_prompt_tokens,
  daily_from_s: tier.daily_from_s,
  daily_until_s: tier.daily_until_s,
  prices: Object.fromEntries(
    PRICE_UNITS.map((unit) => {
      const pico = tier[`${unit}_price`];
      return [`${unit}_price`, pico === null ? null : BigInt(pico)];
    }),
  ) as UnitPrices,
});

const isAgreed = async (): Promise<boolean> => {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question('\nWrite these prices? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
};

/** One line for each price that changes, and the deployments that stay, grouped by reason. */
export const planText = (planned: readonly DeploymentPlan[], source: string): string => {
  const rows = planned.flatMap(({ model, provider, changes }) =>
    changes.flatMap(({ applied_from, differences }) =>
      differences.map(({ unit, calls, old, new: next }) => [
        ...[model, provider, calls === 'standard' ? unit : `${unit}, ${calls}`],
        ...[usdText(unit, old), usdText(unit, next), applied_from],
      ]),
    ),
  );
  const changed = planned.filter(({ changes }) => changes.length > 0).length;
  const kept = Map.groupBy(
    planned.filter((plan) => plan.kept !== null),
    (plan) => plan.kept,
  );
  return [
    `${source}: ${changed} of ${planned.length} deployments have other prices`,
    ...(rows.length === 0
      ? []
      : ['', ...tableOf(['model', 'provider', 'unit', 'old', 'new', 'applied from'], rows), '', UNITS_NOTE]),
    ...[...kept].map(
      ([reason, deployments]) =>
        `left as they are, ${reason}: ${deployments.map(({ model, provider }) => `${model} (${provider})`).join(', ')}`,
    ),
  ].join('\n');
};

const UNITS_NOTE =
  'Prices are US dollars: of a million tokens or characters, of a thousand uses of a tool, of one request, image or second.';

const usdText = (unit: PriceUnit, pico: Pico | null): string =>
  pico === null ? '-' : usdFromPico(pico * statedCount(unit));

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
};
