import { createHash, type Hash, hash as hashOf } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/**
 * The reply to one call: counts and commits to every byte of its body, and holds to back-pressure.
 * The commitment is SHA-256(salt || body), so that whoever kept the body and the salt can prove what was sent.
 */
export interface ClientResponse {
  readonly has_started: boolean;
  readonly byte_count: number;
  /**
   * Sends a piece of a stream, headers first.
   * @param content_type of server-sent events unless given
   * @returns null, or where the client is behind what resolves when it has room for more
   */
  write(text: string, content_type?: string): Promise<void> | null;
  /** Holds the last piece, which leaves with `finish`, in the place of one that was held before. */
  prepare(text: string): void;
  /** Sends what was prepared and ends the reply. `status` holds for a reply that has not started. */
  finish(status: number, headers: Readonly<Record<string, string>>): void;
  /** Lower-case hex, of what was written and what is held; to be called once, after `prepare`. */
  commitment(): string;
}

const EVENT_STREAM = 'text/event-stream; charset=utf-8';

export const streamHeaders = (content_type = EVENT_STREAM): Readonly<Record<string, string>> => ({
  'content-type': content_type,
  'cache-control': 'no-cache',
  // nginx would hold frames back otherwise.
  'x-accel-buffering': 'no',
});

// What a kernel takes at once, as a rule: more waits for the client.
const SOCKET_BUFFER_BYTES = 65_536;

/** @param timeout_ms a client that takes nothing for so long is gone, and must not hold the provider's stream open */
export const createClientResponse = (response: ServerResponse, salt: Buffer, timeout_ms: number): ClientResponse => {
  let hash: Hash | null = null;
  let written_bytes = 0;
  let has_started = false;
  let last = '';
  /** The head and the first piece leave together. */
  const writeFirst = (text: string, bytes: number, content_type?: string): boolean => {
    has_started = true;
    response.socket?.cork();
    response.writeHead(200, streamHeaders(content_type)).flushHeaders();
    const has_room = writeChunk(response, text, bytes);
    response.socket?.uncork();
    return has_room;
  };
  return {
    get has_started() {
      return has_started;
    },
    get byte_count() {
      return written_bytes + Buffer.byteLength(last);
    },
    write: (text, content_type) => {
      const bytes = Buffer.byteLength(text);
      written_bytes += bytes;
      hash ??= createHash('sha256').update(salt);
      hash.update(text);
      const has_room = has_started ? writeChunk(response, text, bytes) : writeFirst(text, bytes, content_type);
      return has_room || response.destroyed ? null : drained(response, timeout_ms);
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
      if (response.writableLength > SOCKET_BUFFER_BYTES) response.setTimeout(timeout_ms, () => response.destroy());
    },
    commitment: () => hash?.update(last).digest('hex') ?? hashOf('sha256', Buffer.concat([salt, Buffer.from(last)])),
  };
};

/**
 * One write of a chunk (RFC 9112, section 7.1), where `response.write` makes four and a turn of the event loop. A
 * response that waits for an earlier one on its connection has no socket yet, and a client of HTTP/1.0 takes no chunks.
 * @returns whether there is room for more
 */
const writeChunk = (response: ServerResponse, text: string, bytes: number): boolean => {
  const { socket } = response;
  if (socket === null || socket.destroyed || !response.chunkedEncoding) return response.write(text);
  return socket.write(`${bytes.toString(16)}\r\n${text}\r\n`);
};

const drained = (response: ServerResponse, timeout_ms: number): Promise<void> =>
  new Promise((resolve) => {
    const { socket } = response;
    const stalled = setTimeout(() => response.destroy(), timeout_ms);
    const done = (): void => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      socket?.off('drain', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    socket?.on('drain', done);
  });
