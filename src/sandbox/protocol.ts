import type { IncomingHttpHeaders } from 'node:http';
import type { Json, ProtocolName, SandboxCall, SandboxRefusal, SandboxReply } from './call.ts';
import type { Faults } from './directives.ts';

/** What all endpoints of one provider have in common. */
export interface Protocol {
  readonly name: ProtocolName;
  /** Why a caller may not call; null when it may. Any key is good but none and `invalid`. */
  unauthorised(headers: IncomingHttpHeaders, query: string): SandboxRefusal | null;
  error(refusal: SandboxRefusal, request_id: string): Json;
  /** Ids and rate limits, as the provider names them. */
  headers(request_id: string, status: number): Readonly<Record<string, string>>;
}

/** What an address says of a call beside its path. */
export interface Target {
  /** The model that the path names; empty where it names none. */
  readonly model: string;
  /** Whether the path or the query ask for a stream, and in which form; null where that is for the body to say. */
  readonly stream: 'sse' | 'list' | null;
}

/** How one endpoint for conversations is read and written. */
export interface ChatForm {
  readonly protocol: Protocol;
  /** @throws SandboxRefusal */
  parse(body: Json, target: Target): SandboxCall;
  /** The JSON of a whole reply. */
  whole(call: SandboxCall, reply: SandboxReply, seed: string): Json;
  /** The frames of a streamed reply, as they stand on the wire. */
  frames(call: SandboxCall, reply: SandboxReply, seed: string): readonly string[];
  /** An error in the middle of a stream, after `sent` frames, as it stands on the wire. */
  errorFrame(call: SandboxCall, sent: number): string;
  /** A streamed frame that is of the right form but not of the right types. */
  wrongFrame(call: SandboxCall): string;
}

/** What an endpoint made of a body: all that is needed to answer it, whole or with faults. */
export interface Asked {
  /** Where directives stand. */
  readonly user_text: string;
  /** Null where the reply is whole. */
  readonly stream: StreamForm | null;
  /** The type of the reply; absent: JSON, or events. */
  readonly content_type?: string;
  /** `latin1`: `write` gives a character for each byte; absent: text. */
  readonly encoding?: 'latin1';
  /** The frames of a stream, or one body. */
  write(seed: string, faults: Faults): readonly string[];
}

/** How a stream is written. */
export interface StreamForm {
  readonly sse: boolean;
  /** Null where the form has no place for an error: then the connection is cut. */
  errorFrame(sent: number): string | null;
  wrongFrame(): string;
}

export interface Endpoint {
  readonly protocol: Protocol;
  /** @throws SandboxRefusal */
  read(body: Json, target: Target): Asked;
}
