import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type BundleInput, bundleLines, type CustomerScope, planBundle } from '../audit/export-bundle.ts';
import { createReadLeaves } from '../audit/read-leaves.ts';
import { instantOf, isInstant, systemClock } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Config } from '../server/config.ts';
import type { Registry } from '../vault/registry.ts';
import type { Transaction } from '../vault/transaction.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';
import { createProgress } from './progress.ts';

export interface BundleOptions {
  readonly from?: string;
  readonly to?: string;
  readonly customer?: string;
  readonly out: string;
}

/** `onevault audit export`: writes leaves, their rows and their proofs into a file for auditors. */
export const exportBundleCommand = async (config: Config, options: BundleOptions): Promise<void> => {
  const { from = null, to = null, customer = null } = options;
  for (const [name, instant] of Object.entries({ from, to })) {
    if (instant !== null && !isInstant(instant)) {
      throw new InputError(`--${name}: an instant is expected, as 2026-12-01T00:00:00Z, not ${instant}`);
    }
  }
  const connections = { max_connections: 2, statement_timeout_ms: 0 };
  await runCommand(config, { name: 'audit export', ...connections }, async (command) => {
    const { sql, registry } = command;
    const event = {
      action: 'audit.export',
      subject_kind: 'audit_log',
      after: { from, to, customer },
      ...(customer === null ? {} : { customers: [customer] }),
    };
    const scope = customer === null ? null : await findCustomer(command, customer);
    await withCommandEvent(command, event, async () => {
      const counts = await exportBundle(sql, registry, { from, to, customer: scope }, options.out);
      console.error(
        `${options.out}: ${counts.leaves} leaves with ${counts.rows} rows, of the ${counts.tree_size} that the newest checkpoint covers`,
      );
    });
  });
};

/** @throws InputError for an unknown customer */
const findCustomer = async ({ sql, rows }: CommandDeps, slug: string): Promise<CustomerScope> => {
  const customer_hk = rows.hubKey('customer_h', { customer_bk: slug });
  const [row] = await sql`
    select
    from gateway.customer_h
    where customer_hk = ${Buffer.from(customer_hk, 'hex')}`;
  if (row === undefined) throw new InputError(`--customer: there is no customer ${slug}`);
  return { slug, customer_hk };
};

interface ExportScope {
  readonly from: string | null;
  readonly to: string | null;
  readonly customer: CustomerScope | null;
}

interface Exported {
  readonly leaves: number;
  readonly rows: number;
  readonly tree_size: number;
}

/**
 * Writes a bundle as of one moment; gzip if the file's name ends in .gz.
 * @throws InputError while the log has no checkpoint
 */
const exportBundle = async (sql: Sql, registry: Registry, scope: ExportScope, path: string): Promise<Exported> =>
  (await sql.begin('isolation level repeatable read read only', async (tx) => {
    const input = await planBundle(tx, { ...scope, made_at: instantOf(systemClock.now()) });
    if (input === null)
      throw new InputError('the log has no checkpoint yet: the running product makes one within a minute');
    return writeBundle(tx, registry, input, path);
  })) as Exported;

const writeBundle = async (
  tx: Transaction,
  registry: Registry,
  input: BundleInput,
  path: string,
): Promise<Exported> => {
  const progress = createProgress();
  let [leaves, rows] = [0, 0];
  const pieces = async function* (): AsyncGenerator<string> {
    for await (const lines of bundleLines(tx, { registry, readLeaves: createReadLeaves(registry) }, input)) {
      yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      const last = lines.at(-1);
      if (last?.kind === 'end') [leaves, rows] = [Number(last.leaves), Number(last.rows)];
      if (last?.kind === 'leaf') progress.show(Number(last.index) / input.to, `leaf ${last.index}`);
    }
  };
  const file = createWriteStream(resolve(path), { mode: 0o600 });
  await (path.endsWith('.gz') ? pipeline(pieces, createGzip(), file) : pipeline(pieces, file));
  progress.clear();
  return { leaves, rows, tree_size: input.tree_size };
};
