import type { HttpCall } from './http-call.ts';
import { startProgram } from './program.ts';

/** Streams to open, evenly spread over time, whatever becomes of those before. */
export interface StreamLoad extends HttpCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly streams_per_s: number;
  readonly warm_up_s: number;
  readonly seconds: number;
  /** Words of each reply, in their order. */
  readonly words: readonly string[];
  /** How the words stand in the frames of a stream. */
  readonly form: 'openai' | 'anthropic';
}

/** Times count from the instant at which a stream was due, and hold for those that came after the warm-up. */
export interface StreamFigures {
  readonly streams: number;
  /** All that came whole, warm-up included. */
  readonly whole: number;
  /** Streams that were refused, broke, or did not say that they are whole. */
  readonly failed: number;
  /** Frames that did not arrive, or not in their order. */
  readonly lost_frames: number;
  readonly most_at_once: number;
  readonly first_token_p50_ms: number;
  readonly first_token_p99_ms: number;
  readonly first_token_most_ms: number;
}

/** Opens streams from a process of its own. */
export const runStreamLoad = async (load: StreamLoad): Promise<StreamFigures> => {
  const program = startProgram<StreamLoad, StreamFigures>(new URL('stream-load-program.ts', import.meta.url));
  try {
    return await program.ask(load);
  } finally {
    await program.stop();
  }
};
