import type { HttpCall } from './http-call.ts';
import { startProgram } from './program.ts';

/** Request to send calls at a fixed rate, independent of the responses. */
export interface OpenLoopRequest extends HttpCall {
  readonly calls_per_s: number;
  readonly seconds: number;
  /** Limit of concurrent connections. */
  readonly connections: number;
}

/** Latencies start at the instant at which a call was due, so that a stall counts for every delayed call. */
export interface OpenLoopFigures {
  readonly calls_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly answered: number;
  readonly failed: number;
}

/** Sends calls at a fixed rate from a separate process. */
export const runOpenLoop = async (input: OpenLoopRequest): Promise<OpenLoopFigures> => {
  const program = startProgram<OpenLoopRequest, OpenLoopFigures>(new URL('open-loop-program.ts', import.meta.url));
  try {
    return await program.request(input);
  } finally {
    await program.stop();
  }
};
