import { endUnlessDone } from './left-open.ts';
import { stopTestServer } from './server.ts';

// PostgreSQL stops in it even on a busy machine, and so do servers and timers that tests leave to themselves.
const GRACE_MS = 60_000;

/** Run by mocha after the last test. PostgreSQL starts with the first test that asks for a database. */
export const mochaGlobalTeardown = (): Promise<void> => {
  endUnlessDone(GRACE_MS);
  return stopTestServer();
};
