import { endUnlessDone } from './left-open.ts';
import { shareTestServer, stopTestServer } from './server.ts';

// PostgreSQL stops in it even on a busy machine, and so do servers and timers that tests leave to themselves.
const GRACE_MS = 60_000;

/** Run by mocha before it starts the processes that share the tests. A single one starts PostgreSQL when it needs it. */
export const mochaGlobalSetup = async (): Promise<void> => {
  if (process.argv.includes('--parallel')) await shareTestServer();
};

/** Run by mocha after the last test. */
export const mochaGlobalTeardown = (): Promise<void> => {
  endUnlessDone(GRACE_MS);
  return stopTestServer();
};
