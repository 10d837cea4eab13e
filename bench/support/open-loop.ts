import type { HttpCall } from './http-call.ts';
import { startProgram } from './program.ts';

/** What to send at a fixed rate, whatever the replies do. */
export interface OpenLoopQuestion extends HttpCall {
  readonly calls_per_s: number;
  readonly seconds: number;
  /** Most connections at once. */
  readonly connections: number;
}

/** Latencies count from the instant at which a call was due, so that a stall counts for every call it kept waiting. */
export interface OpenLoopFigures {
  readonly calls_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly answered: number;
  readonly failed: number;
}

/** Sends calls at a fixed rate from a process of its own. */
export const runOpenLoop = async (question: OpenLoopQuestion): Promise<OpenLoopFigures> => {
  const program = startProgram<OpenLoopQuestion, OpenLoopFigures>(new URL('open-loop-program.ts', import.meta.url));
  try {
    return await program.ask(question);
  } finally {
    await program.stop();
  }
};
