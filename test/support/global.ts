import { endUnlessDone } from './left-open.ts';
import { shareTestServer, stopTestServer } from './server.ts';

// Enough for the stop of PostgreSQL on a busy machine, and for servers and timers that end by themselves.
const GRACE_MS = 60_000;

/** Run by mocha before it starts its worker processes. A single process starts PostgreSQL when it needs it. */
export const mochaGlobalSetup = async (): Promise<void> => {
  if (process.argv.includes('--parallel')) await shareTestServer();
};

/** Run by mocha after the last test. */
export const mochaGlobalTeardown = (): Promise<void> => {
  endUnlessDone(GRACE_MS);
  return stopTestServer();
};
