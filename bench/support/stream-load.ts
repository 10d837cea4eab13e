import type { HttpCall } from './http-call.ts';
import { startProgram } from './program.ts';

/** Request to open streams, evenly spread over time, independent of earlier streams. */
export interface StreamLoad extends HttpCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly streams_per_s: number;
  readonly warm_up_s: number;
  readonly seconds: number;
  /** Words of each response in their order. */
  readonly words: readonly string[];
  /** Format of the stream's frames. */
  readonly form: 'openai' | 'anthropic';
}

/** Times start at the instant at which a stream was due, and exclude the warm-up. */
export interface StreamFigures {
  readonly streams: number;
  /** All complete streams, warm-up included. */
  readonly whole: number;
  /** Streams that were refused, broke or lacked their end event. */
  readonly failed: number;
  /** Frames that are missing or out of order. */
  readonly lost_frames: number;
  readonly max_at_once: number;
  readonly first_token_p50_ms: number;
  readonly first_token_p99_ms: number;
  readonly first_token_max_ms: number;
}

/** Opens streams from a separate process. */
export const runStreamLoad = async (load: StreamLoad): Promise<StreamFigures> => {
  const program = startProgram<StreamLoad, StreamFigures>(new URL('stream-load-program.ts', import.meta.url));
  try {
    return await program.request(load);
  } finally {
    await program.stop();
  }
};
