import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Faults } from './directives.ts';
import { faultyPieces, type Piece } from './faulty-pieces.ts';
import type { ParsedRequest } from './protocol.ts';

interface FaultyResponse {
  readonly request: ParsedRequest;
  readonly seed: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly faults: Faults;
}

const MEGABYTE = 1_048_576;

/** Sends a response with the requested faults. @returns when the last byte is written or the client has left */
export const deliverFaulty = async (
  response: ServerResponse,
  { request, seed, headers, faults }: FaultyResponse,
): Promise<void> => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const pause = async (wait_ms: number): Promise<void> => {
    if (wait_ms > 0) await delay(wait_ms, undefined, { signal: gone.signal });
  };
  const send = createSend(response, gone.signal, faults, request.encoding ?? 'utf8');
  try {
    await pause(faults.latency_ms ?? 0);
    // The connection stays open until the client closes it.
    if (faults.hang === true) return;
    const pieces = faultyPieces(request, seed, faults);
    response.writeHead(200, { ...headers, ...framing(request, pieces, faults) });
    response.flushHeaders();
    await pause(faults.slow_first_ms ?? 0);
    for (const [sent, piece] of pieces.entries()) {
      if (sent === faults.cut_after) return cut(response.socket);
      if (sent === faults.error_after && request.stream !== null) {
        const error = request.stream.errorFrame(sent);
        if (error === null) return cut(response.socket);
        response.end(error);
        return;
      }
      if (sent > 0) await pause(faults.token_interval_ms ?? 0);
      await send(piece);
    }
    while (faults.endless === true) {
      await pause(faults.token_interval_ms ?? 0);
      await send(pieces.at(-1) ?? '');
      // A fast client must not block the other calls.
      await turn(undefined, { signal: gone.signal });
    }
    // A response releases its connection when it ends.
    const { socket } = response;
    response.end();
    // The client expects more bytes and must not wait for them on an open connection.
    if (faults.content_length !== undefined) cut(socket);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
};

/** The headers for the length and the compression of the body. */
const framing = (
  { stream }: ParsedRequest,
  pieces: readonly Piece[],
  faults: Faults,
): Readonly<Record<string, string>> => {
  const packed = faults.bomb_mb === undefined ? {} : { 'content-encoding': 'gzip' };
  if (faults.content_length !== undefined) {
    return { ...packed, 'content-length': String(faults.content_length) };
  }
  if (stream !== null || faults.bomb_mb !== undefined || faults.endless === true) return packed;
  const length = pieces.reduce(
    (sum, piece) => sum + (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.fill_mb * MEGABYTE),
    0,
  );
  return { 'content-length': String(length) };
};

/** Writes pieces as fast as the client reads, with the requested chunks and pauses. */
const createSend = (response: ServerResponse, signal: AbortSignal, faults: Faults, encoding: BufferEncoding) => {
  const { bomb_mb, drip_ms } = faults;
  const chunk_bytes = faults.chunk_bytes ?? (drip_ms === undefined ? undefined : 1);
  const pack = (bytes: Buffer): Buffer => (bomb_mb === undefined ? bytes : gzipSync(bytes));
  const write = async (bytes: Buffer): Promise<void> => {
    if (!response.write(bytes)) await drained(response, signal);
  };
  return async (piece: Piece): Promise<void> => {
    if (typeof piece !== 'string') {
      // A body may consist of several gzip members (RFC 1952, section 2.2), so the same member is repeated.
      const bytes = pack(Buffer.alloc(MEGABYTE, 'a'));
      for (let sent = 0; sent < piece.fill_mb; sent += 1) await write(bytes);
      return;
    }
    const bytes = pack(Buffer.from(piece, encoding));
    if (chunk_bytes === undefined) return write(bytes);
    for (let at = 0; at < bytes.length; at += chunk_bytes) {
      await write(bytes.subarray(at, at + chunk_bytes));
      if (drip_ms === undefined) await turn(undefined, { signal });
      else await delay(drip_ms, undefined, { signal });
    }
  };
};

/** Closes the connection after the written bytes, without the end of the response. */
const cut = (socket: Socket | null): void => {
  // Node sends written bytes only at the end of this turn.
  setImmediate(() => socket?.destroySoon());
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
