import cluster from 'node:cluster';
import { StartupError } from '../core/startup-error.ts';
import { ConfigError } from './config.ts';
import type { RoleInput, RoleName, Running, StartRole } from './role.ts';

// A child loads only the code of its own role.
const ROLES: Readonly<Record<RoleName, () => Promise<StartRole>>> = {
  sandbox: async () => (await import('./sandbox-role.ts')).startSandboxRole,
  serve: async () => (await import('./serve-role.ts')).startServeRole,
  load: async () => (await import('./load-role.ts')).startLoadRole,
  schedule: async () => (await import('./schedule-role.ts')).startScheduleRole,
};

const isRoleName = (name: string): name is RoleName => name in ROLES;

/** A message of a child to its supervisor. */
export type ChildMessage =
  | { readonly kind: 'ready'; readonly url: string | null }
  | { readonly kind: 'failed'; readonly message: string; readonly is_ours: boolean };

/** A message of a supervisor to its child. */
export type ParentMessage = { readonly kind: 'start'; readonly input: RoleInput } | { readonly kind: 'stop' };

/**
 * The life of a child process: it starts its role when the supervisor sends the input, and stops it on request or when its supervisor
 * is gone. Only the supervisor handles signals, because a terminal sends them to every process at once.
 */
export const runChild = (name: string): void => {
  if (!isRoleName(name) || process.send === undefined) {
    throw new StartupError('`onevault child` is for the product itself; use `onevault start`');
  }
  const say = (message: ChildMessage): Promise<void> =>
    new Promise((resolve) => process.send!(message, () => resolve()));
  let running: Promise<Running> | null = null;
  const stop = async (): Promise<void> => {
    await (await running?.catch(() => null))?.stop();
    process.exit(0);
  };
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => void stop());
  process.on('message', (message: ParentMessage) => {
    if (message.kind === 'stop') {
      void stop();
      return;
    }
    running = ROLES[name]().then((start) => start(message.input));
    running.then(
      ({ url }) => say({ kind: 'ready', url }),
      async (error: Error) => {
        const is_ours = error instanceof StartupError || error instanceof ConfigError;
        await say({
          kind: 'failed',
          message: is_ours ? error.message : (error.stack ?? error.message),
          is_ours,
        });
        process.exit(1);
      },
    );
  });
  // A cluster's worker would close its servers at a disconnect, before the end of current calls.
  cluster.worker?.on('disconnect', () => void stop());
};
