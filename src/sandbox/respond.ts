import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject, type Json, SandboxRefusal } from './call.ts';
import { DIRECTIVE_MARK, type Faults, faultsOf } from './directives.ts';
import { deliverFaulty } from './faulty.ts';
import type { Endpoint, ParsedRequest, Protocol, Target } from './protocol.ts';

/** A response in bytes, with headers in the form of `writeHead`. */
export interface Prepared {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Parses a body. @throws SandboxRefusal */
export type ParseBody = (body: string) => Json | Promise<Json>;

/** @param body text, or one character for each byte of a form */
export type Respond = (body: string, target: Target, response: ServerResponse) => Promise<void> | void;

/** A request, with the text that determines its response. */
interface Received {
  readonly body: string;
  readonly source: string;
  readonly target: Target;
}

// A benchmark sends few different bodies, so responses are kept.
const CACHE_MAX_RESPONSES = 512;
const CACHED_BODY_MAX_CHARS = 16_384;
// Limit of different requests with `times`; the oldest is dropped first.
const COUNTED_MAX = 4_096;

const JSON_TYPE = 'application/json';
const SSE_TYPE = 'text/event-stream; charset=utf-8';

/** Answers the calls of one endpoint. */
export const createRespond = (endpoint: Endpoint, parse: ParseBody = parseJson): Respond => {
  const { protocol } = endpoint;
  const cache = new Map<string, Prepared>();
  const count = createCount();

  const respondTo = (
    json: Json,
    { body, source, target }: Received,
    response: ServerResponse,
  ): Promise<void> | void => {
    const seed = seedOf(source);
    const request = endpoint.read(json, target);
    const faults = body.includes(DIRECTIVE_MARK) ? faultsOf(request.user_text, protocol.name, () => count(seed)) : null;
    if (faults === null) {
      const frames = request.write(seed, {});
      const bytes = Buffer.from(frames.join(''), request.encoding ?? 'utf8');
      const prepared = prepareBytes(200, bytes, headersOf(protocol, request, seed));
      if (body.length <= CACHED_BODY_MAX_CHARS && !body.includes(DIRECTIVE_MARK)) {
        if (cache.size >= CACHE_MAX_RESPONSES) cache.delete(cache.keys().next().value!);
        cache.set(source, prepared);
      }
      return deliver(response, prepared);
    }
    if (faults.status !== undefined) return refuse(faults.status, faults);
    return deliverFaulty(response, { request, seed, headers: headersOf(protocol, request, seed), faults });
  };

  return (body, target, response) => {
    // Only Google's paths contain more of a call than its body.
    const source = target.model === '' ? body : `${target.model} ${target.stream} ${body}`;
    const known = cache.get(source);
    if (known !== undefined) return deliver(response, known);
    const json = parse(body);
    if (json instanceof Promise) return json.then((form) => respondTo(form, { body, source, target }, response));
    return respondTo(json, { body, source, target }, response);
  };
};

/** Counts the earlier requests with the same seed. */
const createCount = (): ((seed: string) => number) => {
  const counts = new Map<string, number>();
  return (seed) => {
    const before = counts.get(seed) ?? 0;
    counts.delete(seed);
    if (counts.size >= COUNTED_MAX) counts.delete(counts.keys().next().value!);
    counts.set(seed, before + 1);
    return before;
  };
};

const headersOf = (
  protocol: Protocol,
  { stream, content_type }: ParsedRequest,
  seed: string,
): Readonly<Record<string, string>> => ({
  'content-type': content_type ?? (stream?.sse === true ? SSE_TYPE : JSON_TYPE),
  ...protocol.headers(`req_${seed}`, 200),
});

const refuse = async (status: number, { latency_ms = 0, retry_after }: Faults): Promise<never> => {
  await delay(latency_ms);
  throw new SandboxRefusal(status, 'A sandbox directive requests this status.', null, {
    retry_after_s: retry_after ?? null,
  });
};

/** Sends a response at once. */
export const deliver = (response: ServerResponse, { status, headers, body }: Prepared): void => {
  response.writeHead(status, headers as string[]);
  response.end(body);
};

/** A response with a text as its body. */
export const prepareText = (status: number, text: string, headers: Readonly<Record<string, string>>): Prepared =>
  prepareBytes(status, Buffer.from(text), headers);

export const prepareBytes = (status: number, body: Buffer, headers: Readonly<Record<string, string>>): Prepared => ({
  status,
  headers: [...Object.entries(headers).flat(), 'content-length', String(body.length)],
  body,
});

/** The seed of the ids of a response: the same for the same body. */
export const seedOf = (body: string): string => hash('sha256', body, 'hex').slice(0, 24);

/** A request's body as an object. @throws SandboxRefusal */
const parseJson = (body: string): Json => {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new SandboxRefusal(400, 'We could not parse the JSON body of your request.');
  }
  if (!isJsonObject(json)) throw new SandboxRefusal(400, 'The body of the request is not a JSON object.');
  return json;
};
