import { Command } from 'commander';
import { processConfig } from '../server/config.ts';
import { JOB_NAMES } from '../server/job-names.ts';
import { dataPaths, readVersion } from '../server/paths.ts';
import { settingsHelp } from '../server/settings-text.ts';
import type { BundleOptions } from './audit-export.ts';
import type { ProveOptions } from './audit-prove.ts';
import type { VerifyOptions } from './audit-verify.ts';
import type { JobOptions } from './job-command.ts';
import type { RotateOptions } from './key-commands.ts';
import type { RefreshOptions } from './price-commands.ts';
import type { ReportOptions } from './report-command.ts';
import type { GetOptions, ListOptions } from './resource-commands.ts';
import type { PlanOptions } from './retention-commands.ts';

// Each command imports its own code when it runs, because help and a bad option need none of it.
/** The command line: `onevault`. */
export const createProgram = (): Command => {
  const program = new Command('onevault').version(readVersion()).description('AI and API gateway with an audit trail');
  for (const add of [
    addStart,
    addJobAndReport,
    addVault,
    addKeysAndPrices,
    addResources,
    addPrivacy,
    addAudit,
    addHidden,
  ])
    add(program);
  return program.addHelpText('after', () => `\nEnvironment:\n${settingsHelp()}`);
};

const addStart = (program: Command): void => {
  program
    .command('start', { isDefault: true })
    .description('run the product until Ctrl-C')
    .allowExcessArguments()
    .action(async (_options: object, { args: [unknown] }: Command) => {
      // The default command also gets every unknown word.
      if (unknown !== undefined) {
        program.error(`error: unknown command '${unknown}'; "onevault --help" lists those that there are`);
      }
      const chosen = processConfig();
      const [{ banner }, { createLog }, { runUntilSignal, startProduct }] = await Promise.all([
        import('../server/banner.ts'),
        import('../core/log.ts'),
        import('../server/start.ts'),
      ]);
      const product = await startProduct(chosen);
      console.log(banner(product, dataPaths(chosen.data_dir).demo));
      await runUntilSignal(product, createLog(chosen.log_level, 'onevault'));
    });
};

const addJobAndReport = (program: Command): void => {
  program
    .command('job')
    .argument('<name>', JOB_NAMES.join(', '))
    .description('run one job by hand')
    .option('--at <instant>', 'the logical instant, as 2026-12-01T00:15:00Z (now)')
    .option('--period <month>', 'for invoices, the month to bill, as 2026-10 (the last that ended)')
    .option('--allow-future', 'let the instant lie in the future, or close a month before its end')
    .option('--out <folder>', 'where invoices are written')
    .action(async (name: string, options: JobOptions) =>
      (await import('./job-command.ts')).jobCommand(processConfig(), name, options),
    );
  program
    .command('jobs')
    .description('list the jobs with their schedules and newest runs; exit code 1 if one of these failed')
    .action(async () => (await import('./jobs-command.ts')).jobsCommand(processConfig()));
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
    .action(async (name: string, options: ReportOptions) =>
      (await import('./report-command.ts')).reportCommand(processConfig(), name, options),
    );
};

const addVault = (program: Command): void => {
  program
    .command('verify')
    .description('check the vault and verify it against its log, with one verdict; exit code 1 on any fault')
    .action(async () => (await import('./verify-command.ts')).verifyEverythingCommand(processConfig()));
  const vault = program.command('vault').description('look into the vault');
  vault
    .command('check')
    .description('recompute every hash, and find what is missing, doubled or changed; exit code 1 on any fault')
    .action(async () => (await import('./vault-commands.ts')).checkCommand(processConfig()));
  vault
    .command('definitions')
    .description('views, triggers, grants and so on that are not as recorded; exit code 1 if there are any')
    .option('--accept <reason>', 'record them as meant, with this reason')
    .action(async ({ accept }: { accept?: string }) =>
      (await import('./vault-commands.ts')).definitionsCommand(processConfig(), accept),
    );
  vault
    .command('docs')
    .description('write the data dictionary as one HTML page')
    .requiredOption('--out <folder>', 'where index.html is written')
    .action(async ({ out }: { out: string }) => (await import('./vault-commands.ts')).docsCommand(out));
  const retention = program.command('retention').description('calls that have been kept long enough');
  retention
    .command('plan')
    .description('which days the job retention would destroy, and which it would keep and why')
    .option('--at <instant>', 'the logical instant, as 2026-12-01T01:45:00Z (now)')
    .action(async (options: PlanOptions) =>
      (await import('./retention-commands.ts')).planCommand(processConfig(), options),
    );
};

const addKeysAndPrices = (program: Command): void => {
  const keys = program.command('keys').description('the keys that seal what is stored');
  keys
    .command('rotate')
    .description('wrap every key under a new master key, while everything runs; once more after an interruption')
    .option('--keep-old', 'leave the old master key where it is; the next rotation destroys it')
    .action(async (options: RotateOptions) =>
      (await import('./key-commands.ts')).rotateCommand(processConfig(), options),
    );
  keys
    .command('list')
    .alias('status')
    .description('every key by its id, and whether a rotation is under way')
    .action(async () => (await import('./key-commands.ts')).listCommand(processConfig()));
  const prices = program.command('prices').description('what providers charge');
  prices
    .command('refresh')
    .description('compare the prices with those of the installed price data, and take these over')
    .option('--dry-run', 'show the differences and write nothing')
    .option('--yes', 'write without asking')
    .action(async (options: RefreshOptions) =>
      (await import('./price-commands.ts')).refreshCommand(processConfig(), options),
    );
};

const addPrivacy = (program: Command): void => {
  const privacy = program.command('privacy').description('personal data of customers: erase, hold, export');
  privacy
    .command('erase')
    .argument('<subject>', 'slug of a customer')
    .description('erase its personal data and print the certificate')
    .requiredOption('--reason <text>', 'why; kept for ever, so no personal data')
    .action(async (subject: string, { reason }: { reason: string }) =>
      (await import('./privacy-commands.ts')).eraseCommand(processConfig(), subject, reason),
    );
  privacy
    .command('hold')
    .argument('<subject>', 'slug of a customer')
    .description('keep its personal data from being erased, and print the hold')
    .requiredOption('--reason <text>', 'why; kept for ever, so no personal data')
    .action(async (subject: string, { reason }: { reason: string }) =>
      (await import('./privacy-commands.ts')).holdCommand(processConfig(), subject, reason),
    );
  privacy
    .command('release')
    .argument('<hold>', 'id of a legal hold')
    .description('release a hold')
    .requiredOption('--reason <text>', 'why; kept for ever, so no personal data')
    .action(async (hold: string, { reason }: { reason: string }) =>
      (await import('./privacy-commands.ts')).releaseCommand(processConfig(), hold, reason),
    );
  privacy
    .command('export')
    .argument('<subject>', 'slug of a customer')
    .description('write everything that is held about it')
    .option('--out <folder>', 'where a JSON and an HTML file are written (JSON on standard output)')
    .action(async (subject: string, { out }: { out?: string }) =>
      (await import('./privacy-commands.ts')).exportSubjectCommand(processConfig(), subject, out),
    );
};

/** Options for the running product and its key. */
const withAccess = (command: Command): Command =>
  command
    .option('--url <url>', 'where the product listens (that of this data directory)')
    .option('--key-file <file>', 'a file that holds an API key (the key of the first start)');

const addResources = (program: Command): void => {
  withAccess(program.command('get'))
    .argument('<resource>', 'a collection, as customers or customers/acme/prices')
    .argument('[id...]', 'its id, or the parts of it')
    .description('print a resource of a running product as JSON')
    .option('--fields <names>', 'fields to print, with commas between')
    .option('--applied <instant>', 'when it held (now)')
    .option('--known <instant>', 'when it was known (now)')
    .option('--history', 'every state that it had')
    .action(async (resource: string, id: string[], options: GetOptions) =>
      (await import('./resource-commands.ts')).getCommand(processConfig(), resource, id, options),
    );
  withAccess(program.command('list'))
    .argument('<resource>', 'a collection, as customers or customers/acme/prices')
    .description('print resources of a running product as JSON')
    .option('--filter <condition>', 'as status=ACTIVE or created_at[gte]=2026-01-01T00:00:00Z; may be repeated', listed)
    .option('--sort <names>', 'as -created_at,name')
    .option('--fields <names>', 'fields to print, with commas between')
    .option('--applied <instant>', 'when they held (now)')
    .option('--known <instant>', 'when they were known (now)')
    .option('--all', 'every page (the first one)')
    .action(async (resource: string, options: ListOptions) =>
      (await import('./resource-commands.ts')).listCommand(processConfig(), resource, options),
    );
};

const listed = (value: string, before: readonly string[] = []): string[] => [...before, value];

const addAudit = (program: Command): void => {
  const audit = program.command('audit').description('the log that proves what the vault holds');
  audit
    .command('verify')
    .description('the vault against its log, or a bundle without any database; exit code 1 on any fault')
    .option('--bundle <file>', 'a bundle; neither database nor network is used')
    .option('--key <key>', 'a verifier key that is trusted; may be repeated (those that the log publishes)', listed)
    .option('--checkpoints <folder>', 'checkpoint files outside the database (those of the data directory)')
    .option('--against <file>', 'another bundle or checkpoint file to compare with; may be repeated', listed)
    .action(async (options: VerifyOptions) =>
      (await import('./audit-verify.ts')).verifyCommand(processConfig, options),
    );
  audit
    .command('export')
    .description('write what was logged, and what proves it, into a bundle for auditors')
    .option('--from <instant>', 'logged from then on (the beginning)')
    .option('--to <instant>', 'logged before then (the newest checkpoint)')
    .option('--customer <slug>', 'one customer only')
    .requiredOption('--out <file>', 'where it is written; compressed when the name ends in .gz')
    .action(async (options: BundleOptions) =>
      (await import('./audit-export.ts')).exportBundleCommand(processConfig(), options),
    );
  audit
    .command('prove')
    .description('whether bodies that were kept are those of a call; exit code 1 when they are not')
    .option('--request <file>', 'the exact bytes of the request body')
    .option('--response <file>', 'the exact bytes of the response body')
    .requiredOption('--receipt <receipt>', 'value of x-onevault-receipt in the response')
    .requiredOption('--request-id <id>', 'value of x-request-id in the response')
    .option('--bundle <file>', 'a bundle that holds the call, instead of the vault')
    .option('--key <key>', 'a verifier key that is trusted; may be repeated', listed)
    .action(async (options: ProveOptions) => (await import('./audit-prove.ts')).proveCommand(processConfig, options));
  audit
    .command('rotate-key')
    .description('retire the key that signs checkpoints and make another')
    .action(async () => (await import('./log-commands.ts')).rotateSigningKeyCommand(processConfig()));
  audit
    .command('new-log')
    .description('begin another log, after a restore from a backup that is older than the last checkpoint')
    .requiredOption('--reason <text>', 'why; kept for ever')
    .action(async ({ reason }: { reason: string }) =>
      (await import('./log-commands.ts')).newLogCommand(processConfig(), reason),
    );
};

const addHidden = (program: Command): void => {
  program
    .command('child', { hidden: true })
    .argument('<role>')
    .action(async (role: string) => (await import('../server/child.ts')).runChild(role));
};
