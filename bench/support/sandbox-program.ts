import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { serveRequests } from './program.ts';

// The sandbox in a separate process, as in the product, at an address that a benchmark can call too.
let sandbox: Sandbox | null = null;

serveRequests<object, { url: string }>(
  async () => {
    sandbox ??= await startSandbox();
    return { url: sandbox.url };
  },
  async () => sandbox?.close(),
);
