import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Faults } from './directives.ts';

/** A reply as bytes: headers ready for `writeHead`, and the body. */
export interface Prepared {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Sends a reply at once. */
export const deliver = (response: ServerResponse, { status, headers, body }: Prepared): void => {
  response.writeHead(status, headers as string[]);
  response.end(body);
};

interface FaultyReply {
  readonly headers: Readonly<Record<string, string>>;
  /** The server-sent events, or the one body of a call that does not stream. */
  readonly frames: readonly string[];
  readonly stream: boolean;
  /** What the protocol says when something breaks in the middle of a stream. */
  readonly error_frame: string;
}

/** Sends a reply with the faults that were asked for. Resolves when the last byte is written or the client is gone. */
export const deliverFaulty = async (
  response: ServerResponse,
  { headers, frames, stream, error_frame }: FaultyReply,
  faults: Faults,
): Promise<void> => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const pause = async (wait_ms: number): Promise<void> => {
    if (wait_ms > 0) await delay(wait_ms, undefined, { signal: gone.signal });
  };
  try {
    await pause(faults.latency_ms ?? 0);
    // The client decides how long it waits; the connection is held until it goes.
    if (faults.hang === true) return;
    const pieces = stream || faults.cut_after === undefined ? frames : piecesOf(frames.join(''));
    const length = stream ? {} : { 'content-length': String(Buffer.byteLength(frames.join(''))) };
    response.writeHead(200, { ...headers, ...length });
    response.flushHeaders();
    await pause(faults.slow_first_ms ?? 0);
    for (const [sent, piece] of pieces.entries()) {
      if (sent === faults.cut_after) {
        cut(response);
        return;
      }
      if (sent === faults.error_after && stream) {
        response.end(error_frame);
        return;
      }
      if (sent > 0) await pause(faults.token_interval_ms ?? 0);
      if (!response.write(piece)) await drained(response, gone.signal);
    }
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
};

const PIECES_OF_A_BODY = 8;

/** A body that does not stream, in parts, so that it can be cut in its middle. */
const piecesOf = (body: string): readonly string[] => {
  const size = Math.ceil(body.length / PIECES_OF_A_BODY);
  return Array.from({ length: PIECES_OF_A_BODY }, (_, index) => body.slice(index * size, (index + 1) * size));
};

/** Ends the connection once what was written has left, without ending the reply. */
const cut = (response: ServerResponse): void => {
  // Node corks what is written until the end of this turn.
  setImmediate(() => response.socket?.destroySoon());
};

const drained = (response: ServerResponse, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const left = (): void => reject(signal.reason);
    signal.addEventListener('abort', left, { once: true });
    response.once('drain', () => {
      signal.removeEventListener('abort', left);
      resolve();
    });
  });
