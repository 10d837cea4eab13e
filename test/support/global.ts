import { stopTestServer } from './server.ts';

/** Run by mocha after the last test. PostgreSQL starts with the first test that asks for a database. */
export const mochaGlobalTeardown = (): Promise<void> => stopTestServer();
