import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject, type Json, SandboxRefusal } from './call.ts';
import { DIRECTIVE_MARK, type Faults, faultsOf } from './directives.ts';
import { deliverFaulty } from './faulty.ts';
import type { Asked, Endpoint, Protocol, Target } from './protocol.ts';

/** A reply as bytes: headers ready for `writeHead`, and the body. */
export interface Prepared {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Reads a body. @throws SandboxRefusal */
export type ParseBody = (body: string) => Json | Promise<Json>;

/** @param body text, or of a form a character for each byte */
export type Answer = (body: string, target: Target, response: ServerResponse) => Promise<void> | void;

/** A request, with the text that its reply follows from. */
interface Received {
  readonly body: string;
  readonly asked_for: string;
  readonly target: Target;
}

// A benchmark sends few different bodies; each is answered from memory after the first time.
const CACHE_MAX_REPLIES = 512;
const CACHED_BODY_MAX_CHARS = 16_384;
// How many requests with a `times` are told apart; the oldest is forgotten first.
const COUNTED_MAX = 4_096;

const JSON_TYPE = 'application/json';
const SSE_TYPE = 'text/event-stream; charset=utf-8';

/** Answers the calls of one endpoint. */
export const createAnswer = (endpoint: Endpoint, parse: ParseBody = parseJson): Answer => {
  const { protocol } = endpoint;
  const cache = new Map<string, Prepared>();
  const count = createCount();

  const answerTo = (
    json: Json,
    { body, asked_for, target }: Received,
    response: ServerResponse,
  ): Promise<void> | void => {
    const seed = seedOf(asked_for);
    const asked = endpoint.read(json, target);
    const faults = body.includes(DIRECTIVE_MARK) ? faultsOf(asked.user_text, protocol.name, () => count(seed)) : null;
    if (faults === null) {
      const frames = asked.write(seed, {});
      const bytes = Buffer.from(frames.join(''), asked.encoding ?? 'utf8');
      const prepared = prepareBytes(200, bytes, headersOf(protocol, asked, seed));
      if (body.length <= CACHED_BODY_MAX_CHARS && !body.includes(DIRECTIVE_MARK)) {
        if (cache.size >= CACHE_MAX_REPLIES) cache.delete(cache.keys().next().value!);
        cache.set(asked_for, prepared);
      }
      return deliver(response, prepared);
    }
    if (faults.status !== undefined) return refuse(faults.status, faults);
    return deliverFaulty(response, { asked, seed, headers: headersOf(protocol, asked, seed), faults });
  };

  return (body, target, response) => {
    // Only Google's paths say more of a call than its body does.
    const asked_for = target.model === '' ? body : `${target.model} ${target.stream} ${body}`;
    const known = cache.get(asked_for);
    if (known !== undefined) return deliver(response, known);
    const json = parse(body);
    if (json instanceof Promise) return json.then((form) => answerTo(form, { body, asked_for, target }, response));
    return answerTo(json, { body, asked_for, target }, response);
  };
};

/** Counts how often each seed has come before. */
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
  { stream, content_type }: Asked,
  seed: string,
): Readonly<Record<string, string>> => ({
  'content-type': content_type ?? (stream?.sse === true ? SSE_TYPE : JSON_TYPE),
  ...protocol.headers(`req_${seed}`, 200),
});

const refuse = async (status: number, { latency_ms = 0, retry_after }: Faults): Promise<never> => {
  await delay(latency_ms);
  throw new SandboxRefusal(status, 'The sandbox was told to answer so.', null, {
    retry_after_s: retry_after ?? null,
  });
};

/** Sends a reply at once. */
export const deliver = (response: ServerResponse, { status, headers, body }: Prepared): void => {
  response.writeHead(status, headers as string[]);
  response.end(body);
};

/** A reply of one piece, ready to send. */
export const prepareText = (status: number, text: string, headers: Readonly<Record<string, string>>): Prepared =>
  prepareBytes(status, Buffer.from(text), headers);

export const prepareBytes = (status: number, body: Buffer, headers: Readonly<Record<string, string>>): Prepared => ({
  status,
  headers: [...Object.entries(headers).flat(), 'content-length', String(body.length)],
  body,
});

/** What ids are made of: the same for the same body. */
export const seedOf = (body: string): string => hash('sha256', body, 'hex').slice(0, 24);

/** The object that a request's body is. @throws SandboxRefusal */
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
