import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, instantOf } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';

interface Refusal {
  readonly status: string;
  readonly reason: string;
  readonly explanation: string;
}

/** Refusals by code of Node's HTTP parser or server. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    reason: 'headers_too_large',
    explanation: 'The request line and the headers exceed 16 KiB together. Shorten the query or the headers.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    reason: 'request_timeout',
    explanation: 'The request was not complete in time. Send it again.',
  },
};
const MALFORMED: Refusal = {
  status: '400 Bad Request',
  reason: 'malformed_http',
  explanation: 'The bytes are not an HTTP/1.1 request. Send one.',
};

/**
 * Responds to requests that Node's HTTP parser refuses, in the form of all errors, and closes their connections.
 * Such a request has no path yet, so that no route can handle it.
 */
export const refuseUnreadable = (server: Server, clock: Clock, nextId: NextId): void => {
  server.on('clientError', (fault: NodeJS.ErrnoException, socket: Duplex) => {
    if (fault.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { status, reason, explanation } = REFUSALS[fault.code ?? ''] ?? MALFORMED;
    const message = 'The request cannot be read.';
    const body = JSON.stringify({
      error: {
        code: 'invalid_request',
        message: `${message} ${explanation}`,
        details: { reason, explanation },
        status: Number.parseInt(status, 10),
        request_id: nextId(),
        timestamp: instantOf(clock.now()),
        type: 'invalid_request_error',
        param: null,
        errors: [],
      },
    });
    const head = [
      `HTTP/1.1 ${status}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
};
