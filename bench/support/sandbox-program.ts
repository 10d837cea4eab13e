import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { answerQuestions } from './program.ts';

// The emulated providers in a process of their own, as the product has them, at an address that a bench can call too.
let sandbox: Sandbox | null = null;

answerQuestions<object, { url: string }>(
  async () => {
    sandbox ??= await startSandbox();
    return { url: sandbox.url };
  },
  async () => sandbox?.close(),
);
