import { readFileSync } from 'node:fs';
import { createVerifier, type Report, reportText } from '../../verifier/onevault-verify.mjs';
import { findLeaf } from '../audit/find-leaf.ts';
import { createReadLeaves } from '../audit/read-leaves.ts';
import { verifyVault } from '../audit/verify-vault.ts';
import { instantOf, systemClock } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import type { Config } from '../server/config.ts';
import { dataPaths, PROJECT } from '../server/paths.ts';
import { loadRegistry } from '../vault/registry.ts';
import { createRowBuilder, type VaultRow } from '../vault/rows.ts';
import { verifyBundleFile } from './audit-bundle.ts';
import { type Claim, type CommittedCall, judgeClaims, parseReceipt } from './audit-receipt.ts';
import { readGiven, readPublished, readPublishedKeys } from './audit-sources.ts';
import { type CommandDeps, runCommand } from './command.ts';

export interface ProveOptions {
  readonly request?: string;
  readonly response?: string;
  readonly receipt: string;
  readonly requestId: string;
  readonly bundle?: string;
  readonly key?: readonly string[];
}

/** A call in its leaf, and the checks up to a signature. */
interface Evidence {
  readonly call: CommittedCall | null;
  readonly report: Report;
}

/**
 * `onevault audit prove`: proves that stored bodies belong to a call, by the commitments in its leaf, and that the log's
 * signature covers that leaf. Without a proof the exit code is 1.
 */
export const proveCommand = async (readConfig: () => Config, options: ProveOptions): Promise<void> => {
  const receipt = parseReceipt(options.receipt);
  const claims = [...claimOf('request', options.request), ...claimOf('response', options.response)];
  if (claims.length === 0) throw new InputError('--request or --response: the file of a body is needed');
  const id = options.requestId;
  const { call, report } =
    options.bundle === undefined
      ? await readVault(readConfig(), id, options.key ?? [])
      : await readFromBundle(options.bundle, id, options.key ?? []);
  if (report.fault_count > 0) console.log(`${reportText(report)}\n`);
  if (call === null) throw new InputError(`--request-id: no leaf of the log holds a call ${id}`);
  const { is_proven, words } = judgeClaims(call, receipt, claims);
  const covered =
    report.fault_count === 0
      ? `The call ${id} of ${call.request_timestamp} is in the log, covered by a checkpoint of ${report.counts.tree_size} leaves whose signature fits.`
      : `The call ${id} is NOT proven to be as it was logged: see the faults above.`;
  console.log([covered, ...words].join('\n'));
  if (!is_proven || report.fault_count > 0) process.exitCode = 1;
};

const claimOf = (what: Claim['what'], file: string | undefined): Claim[] => {
  if (file === undefined) return [];
  try {
    return [{ what, file, body: readFileSync(file) }];
  } catch (error) {
    throw new InputError(`--${what}: ${(error as Error).message}`);
  }
};

/** @param rows of a leaf; rows of a bundle may have any form */
const committedIn = (rows: unknown): CommittedCall | null => {
  const given = Array.isArray(rows) ? (rows as (VaultRow | null)[]) : [];
  const committed = given.find((row) => row?.table === 'api_request_s');
  return (committed?.values ?? null) as CommittedCall | null;
};

const hubKeyOf = (id: string): string =>
  createRowBuilder(loadRegistry(PROJECT.entities)).hubKey('api_request_h', { api_request_bk: id });

const readVault = (config: Config, id: string, keys: readonly string[]): Promise<Evidence> => {
  const { checkpoints } = dataPaths(config.data_dir);
  const connections = { max_connections: 2, statement_timeout_ms: 0 };
  return runCommand(config, { name: 'audit prove', ...connections }, (command) =>
    readFromVault(command, { id, keys, checkpoints }),
  );
};

const readFromVault = async (
  { sql, registry }: CommandDeps,
  { id, keys, checkpoints }: { id: string; keys: readonly string[]; checkpoints: string },
): Promise<Evidence> => {
  const leaf = await findLeaf(sql, registry, { request_id: id });
  if (leaf === null) throw new InputError(`--request-id: the vault has no call ${id}`);
  if (leaf.first_index === null) {
    throw new InputError(`--request-id: the call ${id} is not in the log yet: ask again in a minute`);
  }
  const index = leaf.first_index + leaf.offset;
  const verifier = createVerifier({
    keys: keys.length > 0 ? keys : await readPublishedKeys(sql),
    against: await readPublished(checkpoints),
    is_live: true,
  });
  let call: CommittedCall | null = null;
  const watching = {
    take: (line: Parameters<typeof verifier.take>[0]) => {
      if (typeof line !== 'string' && line.kind === 'leaf') call = committedIn(line.rows);
      verifier.take(line);
    },
  };
  await verifyVault(sql, { registry, readLeaves: createReadLeaves(registry) }, watching, {
    made_at: instantOf(systemClock.now()),
    range: { from: index, to: index + 1 },
  });
  const report = verifier.finish();
  if (report.fault_count === 0 && index >= report.counts.tree_size) {
    throw new InputError(`--request-id: no checkpoint covers the call ${id} yet: ask again in a minute`);
  }
  return { call, report };
};

const readFromBundle = async (path: string, id: string, keys: readonly string[]): Promise<Evidence> => {
  if (keys.length === 0) throw new InputError('--key: a bundle is proven with the public key of its log');
  const hash_key = hubKeyOf(id);
  let call: CommittedCall | null = null;
  const report = await readGiven(path, () =>
    verifyBundleFile(path, { keys }, ({ kind, rows }) => {
      const committed = kind === 'leaf' ? committedIn(rows) : null;
      if (committed?.api_request_hk === hash_key) call = committed;
    }),
  );
  return { call, report };
};
