#!/usr/bin/env node
import { Command } from 'commander';
import { CertificateNotCoveredError } from '../audit/destroyed.ts';
import { InputError } from '../core/input-error.ts';
import { createLog } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import { KmsError, UnknownMasterKeyError, UnwrapError } from '../keys/kms.ts';
import { RotationError } from '../keys/rotate-keys.ts';
import { JobBusyError } from '../postgres/lease.ts';
import { banner } from '../server/banner.ts';
import { runChild } from '../server/child.ts';
import { ConfigError, FAMILY_VARIABLES, processConfig, VARIABLES } from '../server/config.ts';
import { JOBS } from '../server/jobs.ts';
import { dataPaths, readVersion } from '../server/paths.ts';
import { runUntilSignal, startProduct } from '../server/start.ts';
import { type BundleOptions, exportBundleCommand } from './audit-export.ts';
import { type ProveOptions, proveCommand } from './audit-prove.ts';
import { type VerifyOptions, verifyCommand } from './audit-verify.ts';
import { type JobOptions, jobCommand, type ReportOptions, reportCommand } from './commands.ts';
import { listCommand, type RotateOptions, rotateCommand } from './key-commands.ts';
import { newLogCommand, rotateSigningKeyCommand } from './log-commands.ts';
import { type RefreshOptions, refreshCommand } from './price-commands.ts';
import { eraseCommand, exportSubjectCommand, holdCommand, releaseCommand } from './privacy-commands.ts';
import { type PlanOptions, planCommand } from './retention-commands.ts';
import { checkCommand, docsCommand } from './vault-commands.ts';

const program = new Command('onevault').version(readVersion()).description('AI and API gateway with an audit trail');

program
  .command('start', { isDefault: true })
  .description('run the product until Ctrl-C')
  .allowExcessArguments()
  .action(async (_options: object, { args: [unknown] }: Command) => {
    // Being the default, this is also given every word that is no command.
    if (unknown !== undefined) {
      program.error(`error: unknown command '${unknown}'; "onevault --help" lists those that there are`);
    }
    const chosen = processConfig();
    const product = await startProduct(chosen);
    console.log(banner(product, dataPaths(chosen.data_dir).demo));
    await runUntilSignal(product, createLog(chosen.log_level, 'onevault'));
  });

program
  .command('job')
  .argument('<name>', JOBS.map(({ name }) => name).join(', '))
  .description('run one job by hand')
  .option('--at <instant>', 'the logical instant, as 2026-12-01T00:15:00Z (now)')
  .option('--period <month>', 'for invoices, the month to bill, as 2026-10 (the last that ended)')
  .option('--allow-future', 'let the instant lie in the future, or close a month before its end')
  .option('--out <folder>', 'where invoices are written')
  .action((name: string, options: JobOptions) => jobCommand(processConfig(), name, options));

program
  .command('report')
  .argument('<name>', 'hipaa-activity')
  .description('pull a report')
  .requiredOption('--from <instant>', 'first instant that is covered')
  .requiredOption('--to <instant>', 'first instant that is covered no more')
  .option('--known <instant>', 'what was known then; the same instant gives the same bytes (now)')
  .option('--format <format>', 'json, csv or html', 'json')
  .option('--customer <slug>', 'one customer only')
  .option('--requested-by <name>', 'who asks (the user of this machine)')
  .option('--out <file>', 'where it is written (standard output)')
  .action((name: string, options: ReportOptions) => reportCommand(processConfig(), name, options));

const vault = program.command('vault').description('look into the vault');
vault
  .command('check')
  .description('recompute every hash, and find what is missing, doubled or changed; exit code 1 on any fault')
  .action(() => checkCommand(processConfig()));
vault
  .command('docs')
  .description('write the data dictionary as one HTML page')
  .requiredOption('--out <folder>', 'where index.html is written')
  .action(({ out }: { out: string }) => docsCommand(out));

const keys = program.command('keys').description('the keys that seal what is stored');
keys
  .command('rotate')
  .description('wrap every key under a new master key, while everything runs; once more after an interruption')
  .option('--keep-old', 'leave the old master key where it is; the next rotation destroys it')
  .action((options: RotateOptions) => rotateCommand(processConfig(), options));
keys
  .command('list')
  .alias('status')
  .description('every key by its id, and whether a rotation is under way')
  .action(() => listCommand(processConfig()));

const prices = program.command('prices').description('what providers charge');
prices
  .command('refresh')
  .description('compare the prices with those of the installed price data, and take these over')
  .option('--dry-run', 'show the differences and write nothing')
  .option('--yes', 'write without asking')
  .action((options: RefreshOptions) => refreshCommand(processConfig(), options));

const privacy = program.command('privacy').description('personal data of customers: erase, hold, export');
privacy
  .command('erase')
  .argument('<subject>', 'slug of a customer')
  .description('erase its personal data and print the certificate')
  .requiredOption('--reason <text>', 'why; kept for ever, so no personal data')
  .action((subject: string, { reason }: { reason: string }) => eraseCommand(processConfig(), subject, reason));
privacy
  .command('hold')
  .argument('<subject>', 'slug of a customer')
  .description('keep its personal data from being erased, and print the hold')
  .requiredOption('--reason <text>', 'why; kept for ever, so no personal data')
  .action((subject: string, { reason }: { reason: string }) => holdCommand(processConfig(), subject, reason));
privacy
  .command('release')
  .argument('<hold>', 'id of a legal hold')
  .description('release a hold')
  .requiredOption('--reason <text>', 'why; kept for ever, so no personal data')
  .action((hold: string, { reason }: { reason: string }) => releaseCommand(processConfig(), hold, reason));
privacy
  .command('export')
  .argument('<subject>', 'slug of a customer')
  .description('write everything that is held about it')
  .option('--out <folder>', 'where a JSON and an HTML file are written (JSON on standard output)')
  .action((subject: string, { out }: { out?: string }) => exportSubjectCommand(processConfig(), subject, out));

const retention = program.command('retention').description('calls that have been kept long enough');
retention
  .command('plan')
  .description('which days the job retention would destroy, and which it would keep and why')
  .option('--at <instant>', 'the logical instant, as 2026-12-01T01:45:00Z (now)')
  .action((options: PlanOptions) => planCommand(processConfig(), options));

const listed = (value: string, before: readonly string[] = []): string[] => [...before, value];
const audit = program.command('audit').description('the log that proves what the vault holds');
audit
  .command('verify')
  .description('the vault against its log, or a bundle without any database; exit code 1 on any fault')
  .option('--bundle <file>', 'a bundle; neither database nor network is used')
  .option('--key <key>', 'a verifier key that is trusted; may be repeated (those that the log publishes)', listed)
  .option('--checkpoints <folder>', 'checkpoint files outside the database (those of the data directory)')
  .option('--against <file>', 'another bundle or checkpoint file to compare with; may be repeated', listed)
  .action((options: VerifyOptions) => verifyCommand(processConfig, options));
audit
  .command('export')
  .description('write what was logged, and what proves it, into a bundle for auditors')
  .option('--from <instant>', 'logged from then on (the beginning)')
  .option('--to <instant>', 'logged before then (the newest checkpoint)')
  .option('--customer <slug>', 'one customer only')
  .requiredOption('--out <file>', 'where it is written; compressed when the name ends in .gz')
  .action((options: BundleOptions) => exportBundleCommand(processConfig(), options));
audit
  .command('prove')
  .description('whether bodies that were kept are those of a call; exit code 1 when they are not')
  .option('--request <file>', 'the exact bytes of the request body')
  .option('--response <file>', 'the exact bytes of the response body')
  .requiredOption('--receipt <receipt>', 'what the reply carried in x-onevault-receipt')
  .requiredOption('--request-id <id>', 'what the reply carried in x-request-id')
  .option('--bundle <file>', 'a bundle that holds the call, instead of the vault')
  .option('--key <key>', 'a verifier key that is trusted; may be repeated', listed)
  .action((options: ProveOptions) => proveCommand(processConfig, options));
audit
  .command('rotate-key')
  .description('retire the key that signs checkpoints and make another')
  .action(() => rotateSigningKeyCommand(processConfig()));
audit
  .command('new-log')
  .description('begin another log, after a restore from a backup that is older than the last checkpoint')
  .requiredOption('--reason <text>', 'why; kept for ever')
  .action(({ reason }: { reason: string }) => newLogCommand(processConfig(), reason));

program
  .command('generate', { hidden: true })
  .description("write the files that are made of the vault's schemas")
  .action(async () => {
    // Its library comes with the development dependencies only.
    const { generateCommand } = await import('./generate.ts');
    await generateCommand();
  });

program
  .command('child', { hidden: true })
  .argument('<role>')
  .action((role: string) => runChild(role));

const meanings = Object.entries({ ...VARIABLES, ...FAMILY_VARIABLES });
const width = Math.max(...meanings.map(([name]) => name.length));
const variables = meanings.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`);
program.addHelpText('after', `\nEnvironment:\n${variables.join('\n')}`);

try {
  await program.parseAsync();
} catch (error) {
  const ours = [
    ...[ConfigError, StartupError, InputError, JobBusyError, CertificateNotCoveredError],
    ...[KmsError, RotationError, UnknownMasterKeyError, UnwrapError],
  ];
  const is_ours = ours.some((kind) => error instanceof kind);
  console.error(is_ours ? `onevault: ${(error as Error).message}` : error);
  process.exitCode = 1;
}
