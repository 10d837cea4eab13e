import type { IncomingHttpHeaders } from 'node:http';
import type { Json, ProtocolName, SandboxCall, SandboxRefusal, SandboxResponse } from './call.ts';
import type { Faults } from './directives.ts';

/** The common parts of all endpoints of one provider. */
export interface Protocol {
  readonly name: ProtocolName;
  /** The refusal of a request without a key, or with the key `invalid`; null for every other key. */
  unauthorised(headers: IncomingHttpHeaders, query: string): SandboxRefusal | null;
  error(refusal: SandboxRefusal, request_id: string): Json;
  /** Ids and rate limits, with the provider's names. */
  headers(request_id: string, status: number): Readonly<Record<string, string>>;
}

/** The parts of a call that come from its URL. */
export interface Target {
  /** The model in the path; empty without one. */
  readonly model: string;
  /** The form of the stream that the URL requests; null if the body decides. */
  readonly stream: 'sse' | 'list' | null;
}

/** Parses requests and writes responses of one endpoint for conversations. */
export interface ChatForm {
  readonly protocol: Protocol;
  /** @throws SandboxRefusal */
  parse(body: Json, target: Target): SandboxCall;
  /** The JSON of a whole response. */
  whole(call: SandboxCall, response: SandboxResponse, seed: string): Json;
  /** The frames of a streamed response, as they are sent. */
  frames(call: SandboxCall, response: SandboxResponse, seed: string): readonly string[];
  /** An error in the middle of a stream, after `sent` frames, as it is sent. */
  errorFrame(call: SandboxCall, sent: number): string;
  /** A valid frame whose fields have wrong types. */
  wrongFrame(call: SandboxCall): string;
}

/** A parsed body, with everything that a response needs, with or without faults. */
export interface ParsedRequest {
  /** The text with the directives. */
  readonly user_text: string;
  /** Null for a whole response. */
  readonly stream: StreamForm | null;
  /** The type of the response; JSON or events if absent. */
  readonly content_type?: string;
  /** `latin1` if `write` returns one character for each byte; text if absent. */
  readonly encoding?: 'latin1';
  /** The frames of a stream, or one body. */
  write(seed: string, faults: Faults): readonly string[];
}

/** The form of a stream. */
export interface StreamForm {
  readonly sse: boolean;
  /** Null if the form has no error; the connection is cut then. */
  errorFrame(sent: number): string | null;
  wrongFrame(): string;
}

export interface Endpoint {
  readonly protocol: Protocol;
  /** @throws SandboxRefusal */
  read(body: Json, target: Target): ParsedRequest;
}
