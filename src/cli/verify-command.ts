import type { Config } from '../server/config.ts';
import { verifyAndShow } from './audit-verify.ts';
import { runCommand } from './command.ts';
import { CHECK_CONNECTIONS, checkAndShow } from './vault-commands.ts';

/**
 * `onevault verify`: the promises of the vault, then the vault against its log, and one verdict on both. Any fault makes
 * the exit code 1.
 */
export const verifyEverythingCommand = (config: Config): Promise<void> =>
  runCommand(config, { name: 'verify', ...CHECK_CONNECTIONS }, async (command) => {
    console.log('The vault\n');
    const in_vault = await checkAndShow(command);
    console.log('\nThe vault against its log\n');
    const in_log = await verifyAndShow(command, {});
    const faults = in_vault + in_log;
    console.log(`\nVerdict: ${faults === 0 ? 'SOUND' : `NOT SOUND (${faults} ${faults === 1 ? 'fault' : 'faults'})`}`);
    if (faults > 0) process.exitCode = 1;
  });
