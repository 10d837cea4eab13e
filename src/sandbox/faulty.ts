import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Faults } from './directives.ts';
import { faultyPieces, type Piece } from './faulty-pieces.ts';
import type { Asked } from './protocol.ts';

interface FaultyReply {
  readonly asked: Asked;
  readonly seed: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly faults: Faults;
}

const MEGABYTE = 1_048_576;

/** Sends a reply with the faults that were asked for. Resolves when the last byte is written or the client is gone. */
export const deliverFaulty = async (
  response: ServerResponse,
  { asked, seed, headers, faults }: FaultyReply,
): Promise<void> => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const pause = async (wait_ms: number): Promise<void> => {
    if (wait_ms > 0) await delay(wait_ms, undefined, { signal: gone.signal });
  };
  const send = createSend(response, gone.signal, faults, asked.encoding ?? 'utf8');
  try {
    await pause(faults.latency_ms ?? 0);
    // The client decides how long it waits; the connection is held until it goes.
    if (faults.hang === true) return;
    const pieces = faultyPieces(asked, seed, faults);
    response.writeHead(200, { ...headers, ...framing(asked, pieces, faults) });
    response.flushHeaders();
    await pause(faults.slow_first_ms ?? 0);
    for (const [sent, piece] of pieces.entries()) {
      if (sent === faults.cut_after) return cut(response.socket);
      if (sent === faults.error_after && asked.stream !== null) {
        const error = asked.stream.errorFrame(sent);
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
      // A fast client must not keep the other calls waiting.
      await turn(undefined, { signal: gone.signal });
    }
    // A reply that has ended lets go of its connection.
    const { socket } = response;
    response.end();
    // A client that was promised more must not wait for it on a connection that is kept.
    if (faults.content_length !== undefined) cut(socket);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
};

/** The headers that say how long the body is and how it is packed. */
const framing = ({ stream }: Asked, pieces: readonly Piece[], faults: Faults): Readonly<Record<string, string>> => {
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

/** Writes pieces at the pace of the client, in chunks and with pauses where those are asked for. */
const createSend = (response: ServerResponse, signal: AbortSignal, faults: Faults, encoding: BufferEncoding) => {
  const { bomb_mb, drip_ms } = faults;
  const chunk_bytes = faults.chunk_bytes ?? (drip_ms === undefined ? undefined : 1);
  const pack = (bytes: Buffer): Buffer => (bomb_mb === undefined ? bytes : gzipSync(bytes));
  const write = async (bytes: Buffer): Promise<void> => {
    if (!response.write(bytes)) await drained(response, signal);
  };
  return async (piece: Piece): Promise<void> => {
    if (typeof piece !== 'string') {
      // Packed texts may follow each other in one body (RFC 1952, 2.2): the same one is sent again and again.
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

/** Ends the connection once what was written has left, without ending the reply. */
const cut = (socket: Socket | null): void => {
  // Node corks what is written until the end of this turn.
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
