import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

/** Why a connection is closed: RFC 6455, section 7.4.1. */
export const CLOSE_CODES = {
  normal: 1000,
  going_away: 1001,
  protocol_error: 1002,
  no_code: 1005,
  cut: 1006,
  not_utf8: 1007,
  policy: 1008,
  too_big: 1009,
  internal_error: 1011,
  try_again: 1013,
} as const;

/** One message, whole and unmasked. */
export interface Message {
  readonly kind: 'text' | 'binary';
  readonly payload: Buffer;
}

/** A close frame; its code is 1005 if it names none. */
export interface CloseFrame {
  readonly code: number;
  readonly reason: Buffer;
}

/** A breach of RFC 6455 by the peer; `close_code` answers it. */
export interface FrameFault {
  readonly close_code: number;
  readonly message: string;
}

/** Received from the peer. The last is a close frame, a fault, or `gone`: the connection ended without either. */
export type Received =
  | Message
  | { readonly kind: 'ping' | 'pong'; readonly payload: Buffer }
  | { readonly kind: 'close'; readonly frame: CloseFrame }
  | { readonly kind: 'fault'; readonly fault: FrameFault }
  | { readonly kind: 'gone' };

/** The other end of a WebSocket. */
export interface Peer {
  /** False once nothing can be sent any more. */
  readonly is_open: boolean;
  /** True once nothing can come any more. */
  readonly has_ended: boolean;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
  /**
   * Takes everything that the peer sends, in its order, one at a time; the peer is held back meanwhile.
   * @returns when the peer has ended; rejects with the first error of `take`, after which nothing more is taken
   */
  receive(take: (received: Received) => Promise<void> | undefined): Promise<void>;
  /** Sends, if the peer is open. @returns a promise until there is room for more, or nothing if there is */
  send(kind: 'text' | 'binary' | 'ping' | 'pong', payload: Buffer): Promise<void> | undefined;
  /**
   * Sends a close frame, or answers the peer's, and ends the connection within a second, whatever the peer does.
   * @returns the close frame of the peer; null if none comes
   */
  close(code: number, reason: Buffer | string): Promise<CloseFrame | null>;
  /** Drops the connection. */
  terminate(): void;
}

export interface PeerOptions {
  /** How long the peer may take nothing of what waits for it, before it is dropped. */
  readonly stall_timeout_ms: number;
}

/** Options for both ends: pings go to the application, and no extension is agreed on. */
export const WEB_SOCKET_OPTIONS = { autoPong: false, perMessageDeflate: false } as const;

/**
 * A WebSocket that leaves the answer to a close frame, or to a broken one, to its owner: ws gives it at once, but a
 * session is recorded before either side hears of its end.
 */
export class HeldWebSocket extends WebSocket {
  #is_closing = false;

  /** Called by ws with the code and reason of a close frame, without arguments if it has no code. */
  override close(code?: number, reason?: string | Buffer): void {
    // A code alone answers a broken frame, of which the event `error` tells.
    if (code === undefined || reason !== undefined) this.emit('close-frame', code ?? CLOSE_CODES.no_code, reason);
    if (this.#is_closing) super.close(code, reason);
  }

  closeWith(code: number, reason: string | Buffer): void {
    this.#is_closing = true;
    if (code === CLOSE_CODES.no_code) super.close();
    else super.close(code, reason);
  }
}

// What Node lets a socket hold before it asks writers to wait.
const ROOM_BYTES = 65_536;
// A peer that is there answers a close frame at once.
const CLOSE_WAIT_MS = 1_000;
const NO_REASON = Buffer.alloc(0);
const TEXT = { binary: false };
const BINARY = { binary: true };

/**
 * The peer behind a WebSocket that has just opened; what it sends waits until `receive` is called.
 * @param connection under the WebSocket
 */
export const createPeer = (socket: HeldWebSocket, connection: Socket, { stall_timeout_ms }: PeerOptions): Peer => {
  const gather = createGathering(connection);
  const room = createRoom(socket, stall_timeout_ms);
  const closed = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<CloseFrame | null>();
  const ended = Promise.withResolvers<void>();
  const queue: Received[] = [];
  let take: ((received: Received) => Promise<void> | undefined) | null = null;
  let is_taking = false;
  let has_ended = false;
  let is_closing = false;

  const takeAll = async (): Promise<void> => {
    is_taking = true;
    try {
      for (let next = 0; take !== null && next < queue.length; next += 1) {
        const busy = take(queue[next]!);
        if (busy !== undefined) await busy;
      }
      if (has_ended) ended.resolve();
    } catch (error) {
      ended.reject(error);
      take = () => undefined;
    }
    queue.length = 0;
    is_taking = false;
    socket.resume();
  };
  const push = (received: Received): void => {
    if (has_ended || (is_closing && received.kind !== 'close' && received.kind !== 'gone')) return;
    has_ended = received.kind === 'close' || received.kind === 'fault' || received.kind === 'gone';
    queue.push(received);
    if (take !== null && !is_taking) void takeAll();
    // At most what the last read from the connection holds is queued.
    else if (!is_closing) socket.pause();
  };

  socket.on('message', (payload, is_binary) =>
    push({ kind: is_binary ? 'binary' : 'text', payload: payload as Buffer }),
  );
  socket.on('ping', (payload) => push({ kind: 'ping', payload }));
  socket.on('pong', (payload) => push({ kind: 'pong', payload }));
  socket.on('close-frame', (code: number, reason: Buffer = NO_REASON) => {
    answered.resolve({ code, reason });
    push({ kind: 'close', frame: { code, reason } });
  });
  socket.on('error', (error) => {
    const fault = faultOf(error);
    if (fault !== null) push({ kind: 'fault', fault });
  });
  socket.on('close', () => {
    room.leave();
    answered.resolve(null);
    push({ kind: 'gone' });
    closed.resolve();
  });

  return {
    get is_open() {
      return socket.readyState === WebSocket.OPEN;
    },
    get has_ended() {
      return has_ended;
    },
    closed: closed.promise,
    receive: (taker) => {
      take = taker;
      void takeAll();
      return ended.promise;
    },
    send: (kind, payload) => {
      if (socket.readyState !== WebSocket.OPEN) return undefined;
      gather();
      if (kind === 'text') socket.send(payload, TEXT, room.check);
      else if (kind === 'binary') socket.send(payload, BINARY, room.check);
      else socket[kind](payload, undefined, room.check);
      return room.wait();
    },
    close: (code, reason) => {
      is_closing = true;
      // The answer has to be read.
      socket.resume();
      socket.closeWith(code, reason);
      const timer = setTimeout(() => socket.terminate(), CLOSE_WAIT_MS);
      void closed.promise.then(() => clearTimeout(timer));
      return answered.promise;
    },
    terminate: () => socket.terminate(),
  };
};

/** Has what is written in one turn of the event loop leave in one system call, as messages that come together do. */
const createGathering = (connection: Socket): (() => void) => {
  let is_gathering = false;
  const flush = (): void => {
    is_gathering = false;
    connection.uncork();
  };
  return () => {
    if (is_gathering) return;
    is_gathering = true;
    connection.cork();
    process.nextTick(flush);
  };
};

/** Room in what a socket holds for a peer that is slow. */
const createRoom = (socket: WebSocket, stall_timeout_ms: number) => {
  let waiting: PromiseWithResolvers<void> | null = null;
  let stalled: NodeJS.Timeout | undefined;
  const leave = (): void => {
    clearTimeout(stalled);
    waiting?.resolve();
    waiting = null;
  };
  return {
    /** Called with each write that is done. */
    check: (): void => {
      if (waiting !== null && socket.bufferedAmount < ROOM_BYTES) leave();
    },
    wait: (): Promise<void> | undefined => {
      if (socket.bufferedAmount < ROOM_BYTES) return undefined;
      if (waiting === null) {
        waiting = Promise.withResolvers();
        stalled = setTimeout(() => socket.terminate(), stall_timeout_ms);
      }
      return waiting.promise;
    },
    leave,
  };
};

/** The fault behind an error of ws (doc/ws.md, "Error codes"); null for an error of the connection. */
const faultOf = (error: Error & { readonly code?: unknown }): FrameFault | null => {
  const { code, message } = error;
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return null;
  return { close_code: FAULT_CODES[code] ?? CLOSE_CODES.protocol_error, message: `${message}.` };
};

const FAULT_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CLOSE_CODES.not_utf8,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CLOSE_CODES.too_big,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CLOSE_CODES.too_big,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE_CODES.too_big,
};
