import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';

export interface RealtimeEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A client's session, with its receipt and its messages for the proof. */
export interface RealtimeClient {
  readonly socket: WebSocket;
  readonly request_id: string;
  /** `v1.<salt>.<salt>` */
  readonly receipt: string;
  /** All received events. */
  readonly events: RealtimeEvent[];
  /** Sent and received texts. */
  readonly sent: string[];
  readonly received: string[];
  send(event: object): void;
  /** The next event of a type after those already returned. */
  until(type: string): Promise<RealtimeEvent>;
  /** Sends a user message and waits for the response. */
  prompt(text: string): Promise<DoneResponse>;
  /** Code and reason of the close. */
  closed(): Promise<{ readonly code: number; readonly reason: string }>;
  close(code?: number): Promise<void>;
}

export interface DoneResponse {
  readonly id: string;
  readonly status: string;
  readonly output: readonly { readonly content?: readonly { readonly text?: string }[] }[];
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
}

interface SessionRequest {
  readonly url: string;
  readonly api_key?: string;
  readonly path?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export const userMessage = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

/** The connection under a session, for bytes that are not frames. */
export const bareSocketOf = ({ socket }: Pick<RealtimeClient, 'socket'>): Socket =>
  (socket as unknown as { readonly _socket: Socket })._socket;

const socketOf = ({ url, api_key, path = PATH, protocols = [], headers = {} }: SessionRequest): WebSocket => {
  const options: ClientOptions = {
    headers: { ...(api_key === undefined ? {} : { authorization: `Bearer ${api_key}` }), ...headers },
  };
  return new WebSocket(url.replace('http', 'ws') + path, [...protocols], options);
};

const PATH = '/v1/realtime?model=gpt-realtime';

const eventIn = (text: string): RealtimeEvent => {
  try {
    return JSON.parse(text) as RealtimeEvent;
  } catch {
    return { type: 'no event', text };
  }
};

/** Opens a session. @throws if it is refused */
export const openRealtime = async (request: SessionRequest): Promise<RealtimeClient> => {
  const socket = socketOf(request);
  const events: RealtimeEvent[] = [];
  const [sent, received]: [string[], string[]] = [[], []];
  let headers: Readonly<Record<string, unknown>> = {};
  let read = 0;
  let wake = (): void => {};
  const end = Promise.withResolvers<{ code: number; reason: string }>();
  socket.on('upgrade', (response) => {
    headers = response.headers;
  });
  socket.on('message', (data, is_binary) => {
    if (is_binary) return;
    received.push(String(data));
    events.push(eventIn(String(data)));
    wake();
  });
  socket.on('close', (code, reason) => {
    end.resolve({ code, reason: String(reason) });
    wake();
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => {});
  const until = async (type: string): Promise<RealtimeEvent> => {
    for (;;) {
      const at = events.findIndex((event, index) => index >= read && event.type === type);
      if (at !== -1) {
        read = at + 1;
        return events[at]!;
      }
      const received_types = events
        .slice(read)
        .map((event) => (event.type === 'error' ? JSON.stringify(event) : event.type));
      assert.notEqual(socket.readyState, WebSocket.CLOSED, `closed before ${type}: ${received_types}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const send = (event: object): void => {
    sent.push(JSON.stringify(event));
    socket.send(JSON.stringify(event));
  };
  return {
    socket,
    events,
    sent,
    received,
    until,
    send,
    request_id: String(headers['x-request-id']),
    receipt: String(headers['x-onevault-receipt']),
    prompt: async (text) => {
      send(userMessage(text));
      send({ type: 'response.create' });
      return (await until('response.done')).response as DoneResponse;
    },
    closed: () => end.promise,
    close: async (code = 1000) => {
      socket.close(code);
      await end.promise;
    },
  };
};

/** The response to a refused handshake. */
export const refusedRealtime = (
  request: SessionRequest,
): Promise<{
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly request_id: string;
}> =>
  new Promise((resolve, reject) => {
    const socket = socketOf(request);
    socket.on('open', () => {
      socket.terminate();
      reject(new Error('it was opened'));
    });
    socket.on('error', reject);
    socket.on('unexpected-response', (request, response) => {
      let text = '';
      response.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      response.on('end', () => {
        request.destroy();
        const { error } = JSON.parse(text) as { error: { code: string; param: string | null } };
        resolve({
          code: error.code,
          param: error.param,
          status: response.statusCode!,
          request_id: String(response.headers['x-request-id']),
        });
      });
    });
  });

/** The commitment of a session, computed as the documentation describes it. */
export const commitmentTo = (salt_hex: string, messages: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256').update(Buffer.from(salt_hex, 'hex'));
  for (const message of messages) {
    const payload = Buffer.from(message);
    const head = Buffer.alloc(9);
    head[0] = typeof message === 'string' ? 1 : 2;
    head.writeBigUInt64BE(BigInt(payload.length), 1);
    hash.update(head).update(payload);
  }
  return hash.digest('hex');
};
