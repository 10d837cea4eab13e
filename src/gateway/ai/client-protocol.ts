import type { OneVaultError } from '../../core/errors.ts';
import type { Pico } from '../../core/money.ts';
import type { ClientHeaders } from '../../providers/contract.ts';
import type { LimitDecision } from '../limits/rate-limiter.ts';
import type { BodyReader } from './body-reader.ts';
import type { Operation, StreamEncoder } from './operation.ts';

/** What a client asks for, read from its own protocol. */
export interface ParsedRequest {
  /** Null: the gateway chooses. */
  readonly model: string | null;
  /** What kind of work it is, for routing rules. */
  readonly type: string;
  readonly priority: string | null;
  /** The most that the call may cost its customer. */
  readonly max_cost: Pico | null;
  readonly stream: boolean;
  /** Whether the client itself asked for usage in a stream. */
  readonly include_usage: boolean;
  /** How a stream leaves where not as server-sent events. */
  readonly stream_form?: StreamForm;
  readonly operation: Operation;
}

/** Another form of a stream than the server-sent events in which it comes. */
export interface StreamForm {
  readonly content_type: string;
  /** Frames in this form, of those that a protocol writes as events. */
  reframe(encoder: StreamEncoder): StreamEncoder;
  /** What answers a call that failed before its first frame, of what the protocol's dialect would answer. */
  error(envelope: object): object;
  /** What ends a stream that broke, after at least one frame. */
  broken: ErrorFormat['broken'];
}

/** What of a request a protocol may read beside its body. */
export interface ClientRequest {
  /** Named parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  readonly headers: ClientHeaders;
}

/** One endpoint as its clients know it: how its request is read. How its reply is written is the work's part. */
export interface ClientProtocol {
  /** As a router takes it. */
  readonly path: string;
  /** The path as recorded with each call. */
  readonly endpoint: string;
  /** What it is called on the wire: an adapter that has a passage of this name gets bodies untouched. Null: our own. */
  readonly protocol_name: string | null;
  readonly error_format: ErrorFormat;
  readonly body_reader: BodyReader;
  /** @throws OneVaultError invalid_request, naming the field */
  read(body: unknown, request: ClientRequest): ParsedRequest;
}

/** How the endpoints of one protocol tell what is not a reply. */
export interface ErrorFormat {
  /** The body of an error. */
  error(error: OneVaultError, request_id: string, now_ms: number): object;
  /** What ends a stream that broke, as it stands on the wire. @param number of the next event, where they are numbered */
  broken(error: OneVaultError, request_id: string, now_ms: number, number: number): string;
  /** The header in which its SDKs look for the request's id. */
  readonly request_id_header: string;
  /** The headers in which its SDKs look for what is left of their requests. */
  limitHeaders(decision: LimitDecision, now_ms: number): Readonly<Record<string, string>>;
}
