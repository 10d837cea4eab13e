import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

/** Reasons of a close: RFC 6455, section 7.4.1. */
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

/** One complete, unmasked message. */
export interface Message {
  readonly kind: 'text' | 'binary';
  readonly payload: Buffer;
}

/** A close frame; its code is 1005 if it has none. */
export interface CloseFrame {
  readonly code: number;
  readonly reason: Buffer;
}

/** A violation of RFC 6455 by the peer, with the code of the close that it causes. */
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
  /** False once nothing more can be sent. */
  readonly is_open: boolean;
  /** True once nothing more can arrive. */
  readonly has_ended: boolean;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
  /**
   * Passes all received messages to `take`, in order and one at a time; the peer must wait meanwhile.
   * @returns when the peer has ended; rejects with the first error of `take`, after which it is not called again
   */
  receive(take: (received: Received) => Promise<void> | undefined): Promise<void>;
  /** Sends if the peer is open. @returns a promise that resolves when there is room for more; undefined if there is */
  send(kind: 'text' | 'binary' | 'ping' | 'pong', payload: Buffer): Promise<void> | undefined;
  /**
   * Sends a close frame, or responds to the peer's, and ends the connection within a second, whatever the peer does.
   * @returns the close frame of the peer; null without one
   */
  close(code: number, reason: Buffer | string): Promise<CloseFrame | null>;
  /** Drops the connection. */
  terminate(): void;
}

export interface PeerOptions {
  /** Time without progress of waiting data after which the peer is dropped. */
  readonly stall_timeout_ms: number;
}

/** Options for both ends: pings go to the application, and no extension is negotiated. */
export const WEB_SOCKET_OPTIONS = { autoPong: false, perMessageDeflate: false } as const;

/**
 * A WebSocket whose owner responds to a close frame or to a broken frame. ws would respond at once, but a session must
 * be recorded before either side learns of its end.
 */
export class HeldWebSocket extends WebSocket {
  #is_closing = false;

  /** Called by ws with the code and reason of a close frame, without arguments if it has no code. */
  override close(code?: number, reason?: string | Buffer): void {
    // A code without reason responds to a broken frame, which the event `error` reports.
    if (code === undefined || reason !== undefined) this.emit('close-frame', code ?? CLOSE_CODES.no_code, reason);
    if (this.#is_closing) super.close(code, reason);
  }

  closeWith(code: number, reason: string | Buffer): void {
    this.#is_closing = true;
    if (code === CLOSE_CODES.no_code) super.close();
    else super.close(code, reason);
  }
}

// Node's own limit of buffered data, beyond which writers should wait.
const ROOM_BYTES = 65_536;
// A connected peer responds to a close frame at once.
const CLOSE_WAIT_MS = 1_000;
const NO_REASON = Buffer.alloc(0);
const TEXT = { binary: false };
const BINARY = { binary: true };

/**
 * The peer of a newly opened WebSocket; its messages wait until `receive` is called.
 * @param connection of the WebSocket
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
    // At most the data of the last read from the connection is queued.
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
      // The response to the close must be read.
      socket.resume();
      socket.closeWith(code, reason);
      const timer = setTimeout(() => socket.terminate(), CLOSE_WAIT_MS);
      void closed.promise.then(() => clearTimeout(timer));
      return answered.promise;
    },
    terminate: () => socket.terminate(),
  };
};

/** Sends all writes of one turn of the event loop in one system call. */
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

/** Limits the buffered data of a slow peer. */
const createRoom = (socket: WebSocket, stall_timeout_ms: number) => {
  let waiting: PromiseWithResolvers<void> | null = null;
  let stalled: NodeJS.Timeout | undefined;
  const leave = (): void => {
    clearTimeout(stalled);
    waiting?.resolve();
    waiting = null;
  };
  return {
    /** Called after each completed write. */
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
