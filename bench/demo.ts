import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { connect } from '../src/postgres/connect.ts';
import { createAdministration, createCast } from './demo/administration.ts';
import { balanceOf, type Check, checksOf, tableOf } from './demo/balance.ts';
import { readRequestIds, readSpend, readVaultTotals, readWindows } from './demo/ledger.ts';
import { pullReports, readInvoices, runJobs } from './demo/paperwork.ts';
import { countedOnly, isAsExpected, type PlayedScene, play } from './demo/play.ts';
import { scenesOf } from './demo/scenes.ts';
import { type RunningProduct, spawnProduct } from './support/product.ts';
import { waitUntilLoaded } from './support/vault-calls.ts';

const OUTPUT = resolve('demo-output');
// Short, so that the demo does not wait long for a provider that never responds.
const PROVIDER_TIMEOUT_MS = 2_000;
const LOAD_TIMEOUT_MS = 30_000;

/** Demonstrates the whole product in one run. @returns true if all checks succeed */
const demonstrate = async (product: RunningProduct): Promise<boolean> => {
  const from = new Date();
  const cast = await createCast(createAdministration(product));
  say('sending calls with the openai SDK and fetch, 16 at once');
  const played = await play(scenesOf(product.url, cast));
  await waitUntilLoaded(product.url, LOAD_TIMEOUT_MS);
  console.log(`\n${scenesTable(played)}\n`);
  say('the vault has them; running the jobs: performance-windows, spend, invoices');
  rmSync(OUTPUT, { recursive: true, force: true });
  mkdirSync(OUTPUT);
  await runJobs(product, OUTPUT);
  say('pulling the HIPAA activity report as JSON, CSV and HTML');
  const reported = await pullReports(product, OUTPUT, from);
  const checks = await settleUp(product, played, reported);
  console.log(`\n${checks.map(({ text, holds }) => `  ${holds ? 'ok   ' : 'FALSE'} ${text}`).join('\n')}\n`);
  for (const name of readdirSync(OUTPUT).toSorted()) console.log(`  ${relative('.', join(OUTPUT, name))}`);
  return checks.every(({ holds }) => holds);
};

const settleUp = async (
  product: RunningProduct,
  played: readonly PlayedScene[],
  reported: number,
): Promise<Check[]> => {
  const sql = connect(product.database_url, { max_connections: 1 });
  try {
    const sent = played.flatMap(({ calls }) => calls.map(({ request_id }) => request_id));
    const held = await readRequestIds(sql);
    const counted_only = countedOnly(played);
    const balance = balanceOf(await readVaultTotals(sql), readInvoices(OUTPUT));
    const windows = await readWindows(sql);
    console.log(`\n${tableOf(balance)}`);
    return [
      ...checksOf({ sent: sent.length, counted_only }, balance, await readSpend(sql)),
      {
        text: 'the vault has each call once, by the id that its client got',
        holds: new Set(held).size === sent.length - counted_only && new Set(held).isSubsetOf(new Set(sent)),
      },
      {
        text: `the report covers ${reported} calls`,
        holds: reported === held.length,
      },
      {
        text: `${windows.windows} performance windows cover the ${windows.requests} calls that reached a provider`,
        holds: windows.requests === windows.calls_at_providers && windows.requests > 0,
      },
      {
        text: 'every client saw what it should',
        holds: played.every(isAsExpected),
      },
    ];
  } finally {
    await sql.end({ timeout: 1 });
  }
};

const scenesTable = (played: readonly PlayedScene[]): string =>
  played
    .map((each) => {
      const seen = Object.entries(each.seen).map(([what, count]) => `${count} ${what}`);
      const expected = isAsExpected(each) ? '' : `   EXPECTED ${each.scene.expected.join(', ')}`;
      return `  ${String(each.calls.length).padStart(4)}  ${each.scene.name.padEnd(42)}${seen.join(', ')}${expected}`;
    })
    .join('\n');

const start_ms = performance.now();
const say = (text: string): void => {
  const elapsed_s = ((performance.now() - start_ms) / 1_000).toFixed(1);
  console.log(`${elapsed_s.padStart(5)} s  ${text}`);
};

say('starting the product on a temporary data directory and free ports');
const product = await spawnProduct({ ONEVAULT_PROVIDER_TIMEOUT_MS: String(PROVIDER_TIMEOUT_MS) });
let is_sound = false;
try {
  is_sound = await demonstrate(product);
} finally {
  const code = await product.stop();
  if (code !== 0) console.error(`the product ended with code ${code}`);
  is_sound &&= code === 0;
}
say(is_sound ? 'all sums close' : 'a check does not hold');
process.exitCode = is_sound ? 0 : 1;
