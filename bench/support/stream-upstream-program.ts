import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveRequests } from './program.ts';

/** Words of each stream, and their interval. */
export interface StreamScript {
  readonly words: readonly string[];
  readonly interval_ms: number;
}

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

/** Anthropic's events as prepared buffers. The first three are sent together, as a provider does. */
const framesOf = ({ words }: StreamScript): readonly Buffer[] => {
  const usage = { input_tokens: 24, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  const message = {
    id: 'msg_01',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...usage, output_tokens: 1 },
  };
  const deltas = words.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }));
  const start =
    event('message_start', { message }) +
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  const end =
    event('content_block_stop', { index: 0 }) +
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: words.length },
    }) +
    event('message_stop', {});
  return [start + deltas[0], ...deltas.slice(1), end].map((text) => Buffer.from(text));
};

/**
 * Each stream has its own schedule. If a frame were due some time after the last one was sent, streams that were late
 * together would stay together, and 512 of them would send at the same time.
 */
const play = (response: ServerResponse, frames: readonly Buffer[], interval_ms: number): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_01' });
  const start_ms = performance.now();
  let next = 0;
  const step = (): void => {
    if (response.destroyed) return;
    const frame = frames[next++]!;
    if (next === frames.length) {
      response.end(frame);
      return;
    }
    response.write(frame);
    setTimeout(step, start_ms + next * interval_ms - performance.now());
  };
  step();
};

// A minimal provider of streams, because the sandbox, which supports more, would take processor time from the measured
// process.
const server = createServer({ keepAliveTimeout: 65_000, noDelay: true });

serveRequests<StreamScript, { url: string }>(
  async (script) => {
    const frames = framesOf(script);
    server.on('request', (request, response: ServerResponse) => {
      request.resume().once('end', () => play(response, frames, script.interval_ms));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  },
  async () => {
    server.closeAllConnections();
    server.close();
  },
);
