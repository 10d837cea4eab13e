import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/**
 * The reply to one call: counts and commits to every byte of its body, and holds to back-pressure.
 * The commitment is SHA-256(salt || body), so that whoever kept the body and the salt can prove what was sent.
 */
export interface Reply {
  readonly has_started: boolean;
  readonly byte_count: number;
  /** Sends a piece of a stream, headers first; resolves when the client has room for more. */
  write(text: string): Promise<void>;
  /** Holds the last piece, which leaves with `finish`, in the place of one that was held before. */
  prepare(text: string): void;
  /** Sends what was prepared and ends the reply. `status` holds for a reply that has not started. */
  finish(status: number, headers: Readonly<Record<string, string>>): void;
  /** Lower-case hex, of what was written and what is held; to be called once, after `prepare`. */
  commitment(): string;
}

// A client that takes nothing for so long is gone, and must not hold the provider's stream open.
const STALLED_CLIENT_MS = 60_000;

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx would hold frames back otherwise.
  'x-accel-buffering': 'no',
} as const;

export const createReply = (response: ServerResponse, salt: Buffer): Reply => {
  const hash = createHash('sha256').update(salt);
  let written_bytes = 0;
  let has_started = false;
  let last = '';
  return {
    get has_started() {
      return has_started;
    },
    get byte_count() {
      return written_bytes + Buffer.byteLength(last);
    },
    write: (text) => {
      if (!has_started) {
        has_started = true;
        response.writeHead(200, STREAM_HEADERS);
      }
      written_bytes += Buffer.byteLength(text);
      hash.update(text);
      if (response.write(text) || response.destroyed) return Promise.resolve();
      return drained(response);
    },
    prepare: (text) => {
      last = text;
    },
    finish: (status, headers) => {
      if (response.destroyed) return;
      if (!has_started) {
        response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(last) });
      }
      response.end(last);
    },
    commitment: () => hash.update(last).digest('hex'),
  };
};

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), STALLED_CLIENT_MS);
    const done = (): void => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
