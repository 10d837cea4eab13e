import { createHash, type Hash, hash as hashOf } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Body } from '../core/body.ts';

/**
 * Response to one call's client: counts and hashes every byte of its body, and respects back-pressure. The commitment
 * is SHA-256(salt || body): a client that keeps body and salt can prove what was sent.
 */
export interface ClientResponse {
  readonly has_started: boolean;
  readonly byte_count: number;
  /**
   * Sends a piece of a stream; the first one with the headers.
   * @param content_type default: server-sent events
   * @returns null, or a promise that resolves when a slow client has room for more
   */
  write(piece: Body, content_type?: string): Promise<void> | null;
  /** Keeps the last piece for `finish`. It replaces a piece that was prepared before. */
  prepare(last: Body): void;
  /** Sends the prepared piece and ends the response. `status` applies only if the response has not started. */
  finish(status: number, headers: Readonly<Record<string, string>>): void;
  /** Cuts the connection within a stream whose format has no error. */
  cut(): void;
  /** Lower-case hex, over the written and the prepared bytes. Call it once, after `prepare`. */
  commitment(): string;
}

const EVENT_STREAM = 'text/event-stream; charset=utf-8';

export const streamHeaders = (content_type = EVENT_STREAM): Readonly<Record<string, string>> => ({
  'content-type': content_type,
  'cache-control': 'no-cache',
  // Without it, nginx buffers the stream.
  'x-accel-buffering': 'no',
});

// Usual size of a kernel's socket buffer. More bytes wait for the client.
const SOCKET_BUFFER_BYTES = 65_536;

/**
 * @param timeout_ms a client that reads nothing for so long counts as gone, so that it does not hold the provider's
 * stream open
 */
export const createClientResponse = (response: ServerResponse, salt: Buffer, timeout_ms: number): ClientResponse => {
  let hash: Hash | null = null;
  let written_bytes = 0;
  let has_started = false;
  let last: Body = '';
  /** Sends the headers and the first piece in one write. */
  const writeFirst = (piece: Body, bytes: number, content_type?: string): boolean => {
    has_started = true;
    response.socket?.cork();
    response.writeHead(200, streamHeaders(content_type)).flushHeaders();
    const has_room = writeChunk(response, piece, bytes);
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
    write: (piece, content_type) => {
      const bytes = Buffer.byteLength(piece);
      written_bytes += bytes;
      hash ??= createHash('sha256').update(salt);
      hash.update(piece);
      const has_room = has_started ? writeChunk(response, piece, bytes) : writeFirst(piece, bytes, content_type);
      return has_room || response.destroyed ? null : drained(response, timeout_ms);
    },
    prepare: (piece) => {
      last = piece;
    },
    finish: (status, headers) => {
      if (response.destroyed) return;
      if (!has_started) {
        response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(last) });
      }
      response.end(last);
      if (response.writableLength > SOCKET_BUFFER_BYTES) response.setTimeout(timeout_ms, () => response.destroy());
    },
    cut: () => {
      if (response.chunkedEncoding) response.destroy();
      // For an HTTP/1.0 client, the end of the connection is the end of the response, unless it is reset.
      else response.socket?.resetAndDestroy();
    },
    commitment: () => hash?.update(last).digest('hex') ?? hashOf('sha256', Buffer.concat([salt, bytesOf(last)])),
  };
};

/**
 * Writes a chunk (RFC 9112, section 7.1) in one write; `response.write` makes four and takes a turn of the event loop.
 * A response that waits for an earlier one on its connection has no socket yet; an HTTP/1.0 client takes no chunks.
 * @returns true if there is room for more
 */
const writeChunk = (response: ServerResponse, piece: Body, bytes: number): boolean => {
  const { socket } = response;
  if (socket === null || socket.destroyed || !response.chunkedEncoding) return response.write(piece);
  // An empty chunk would end the response.
  if (bytes === 0) return true;
  if (typeof piece === 'string') return socket.write(`${bytes.toString(16)}\r\n${piece}\r\n`);
  socket.cork();
  socket.write(`${bytes.toString(16)}\r\n`);
  socket.write(piece);
  const has_room = socket.write('\r\n');
  socket.uncork();
  return has_room;
};

const bytesOf = (body: Body): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body);

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
