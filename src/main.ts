#!/usr/bin/env node
import { Command } from 'commander';
import { ConfigError, readConfig, VARIABLES } from './core/config.ts';
import { createLog } from './core/log.ts';
import { StartupError } from './core/startup-error.ts';
import { banner } from './main/banner.ts';
import { runChild } from './main/child.ts';
import { type JobOptions, jobCommand, type ReportOptions, reportCommand } from './main/commands.ts';
import { dataPaths, readVersion } from './main/paths.ts';
import { runUntilSignal, startProduct } from './main/start.ts';
import { checkCommand, docsCommand } from './main/vault-commands.ts';
import { InputError } from './pipeline/input-error.ts';
import { JobBusyError } from './pipeline/job-errors.ts';

const program = new Command('onevault')
  .version(readVersion())
  .description('AI and API gateway with an audit trail');
const config = () => readConfig(process.env, process.cwd());

program
  .command('start', { isDefault: true })
  .description('run the product until Ctrl-C')
  .action(async () => {
    const chosen = config();
    const product = await startProduct(chosen);
    console.log(banner(product, dataPaths(chosen.data_dir).demo));
    await runUntilSignal(product, createLog(chosen.log_level, 'onevault'));
  });

program
  .command('job')
  .argument('<name>', 'performance-windows, spend, invoices or partitions')
  .description('run one job by hand')
  .option('--at <instant>', 'the logical instant, as 2026-12-01T00:15:00Z (now)')
  .option('--allow-future', 'let the instant lie in the future: closes a month early')
  .option('--out <folder>', 'where invoices are written')
  .action((name: string, options: JobOptions) => jobCommand(config(), name, options));

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
  .action((name: string, options: ReportOptions) => reportCommand(config(), name, options));

const vault = program.command('vault').description('look into the vault');
vault
  .command('check')
  .description('recompute every hash, and find what is missing, doubled or changed; exit code 1 on any fault')
  .action(() => checkCommand(config()));
vault
  .command('docs')
  .description('write the data dictionary as one HTML page')
  .requiredOption('--out <folder>', 'where index.html is written')
  .action(({ out }: { out: string }) => docsCommand(out));

program
  .command('generate', { hidden: true })
  .description("write the files that are made of the vault's schemas")
  .action(async () => {
    // Its library comes with the development dependencies only.
    const { generateCommand } = await import('./main/generate.ts');
    await generateCommand();
  });

program
  .command('child', { hidden: true })
  .argument('<role>')
  .action((role: string) => runChild(role));

const variables = Object.entries(VARIABLES).map(([name, meaning]) => `  ${name.padEnd(30)} ${meaning}`);
program.addHelpText('after', `\nEnvironment:\n${variables.join('\n')}`);

try {
  await program.parseAsync();
} catch (error) {
  const is_ours = [ConfigError, StartupError, InputError, JobBusyError].some((kind) => error instanceof kind);
  console.error(is_ours ? `onevault: ${(error as Error).message}` : error);
  process.exitCode = 1;
}
