import type { Body } from '../../core/body.ts';
import type { OneVaultError } from '../../core/errors.ts';
import type { Pico } from '../../core/money.ts';
import type { ClientHeaders } from '../../providers/contract.ts';
import type { LimitDecision } from '../limits/rate-limiter.ts';
import type { BodyReader } from './body-reader.ts';
import type { Operation, StreamEncoder } from './operation.ts';

/** A client's request, parsed from its protocol. */
export interface ParsedRequest {
  /** Null if the gateway chooses the model. */
  readonly model: string | null;
  /** Request type, for routing rules. */
  readonly type: string;
  readonly priority: string | null;
  /** Limit of the customer's cost, in pico-dollars. */
  readonly max_cost: Pico | null;
  readonly stream: boolean;
  /** True if the client requested usage in a stream. */
  readonly include_usage: boolean;
  /** Form of the stream if it is not server-sent events. */
  readonly stream_form?: StreamForm;
  /**
   * Body with the provider's name of the model, if the name is part of a form.
   * @throws OneVaultError invalid_request
   */
  readonly contentFor?: (model: string) => Body;
  readonly operation: Operation;
}

/** Another form of a stream than server-sent events. */
export interface StreamForm {
  readonly content_type: string;
  /** Converts a protocol's events to this form. */
  reframe(encoder: StreamEncoder): StreamEncoder;
  /**
   * Body of a call that fails before its first frame.
   * @param envelope the protocol's error body
   */
  error(envelope: object): object;
  /** End of a stream that breaks after at least one frame. */
  broken: ErrorFormat['broken'];
}

/** Parts of a request that a protocol may read besides the body. */
export interface ClientRequest {
  /** Named parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  readonly headers: ClientHeaders;
}

/** One endpoint of a client protocol: it parses requests. Its operation writes the responses. */
export interface ClientProtocol {
  /** Path pattern for the router. */
  readonly path: string;
  /** Path in the call record. */
  readonly endpoint: string;
  /**
   * Protocol name: an adapter that has a passthrough of this name gets bodies unchanged. Null: the gateway's own
   * protocol.
   */
  readonly protocol_name: string | null;
  readonly error_format: ErrorFormat;
  readonly body_reader: BodyReader;
  /** Largest body, if it is less than the largest of all. */
  readonly body_limit_bytes?: number;
  /** @throws OneVaultError invalid_request, naming the field */
  read(body: unknown, request: ClientRequest): ParsedRequest;
}

/** Error bodies and headers of one protocol's endpoints. */
export interface ErrorFormat {
  /** Body of an error response. */
  error(error: OneVaultError, request_id: string, now_ms: number): object;
  /**
   * End of a stream that breaks, as the client receives it.
   * @param number of the next event, in protocols that number them
   */
  broken(error: OneVaultError, request_id: string, now_ms: number, number: number): string;
  /** Header from which its SDKs read the request id. */
  readonly request_id_header: string;
  /** Headers from which its SDKs read their rate limit. */
  limitHeaders(decision: LimitDecision, now_ms: number): Readonly<Record<string, string>>;
}
