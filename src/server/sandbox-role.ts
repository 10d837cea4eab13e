import { createLog } from '../core/log.ts';
import { startSandbox } from '../sandbox/server.ts';
import type { StartRole } from './role.ts';

/** The emulated providers. */
export const startSandboxRole: StartRole = async ({ config, port }) => {
  const sandbox = await startSandbox({ port, log: createLog(config.log_level, 'sandbox') });
  return { url: sandbox.url, stop: () => sandbox.close() };
};
