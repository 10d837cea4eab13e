import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isJsonObject,
  type Json,
  type SandboxCall,
  SandboxRefusal,
  type SandboxReply,
  type Wire,
} from './call.ts';
import { deliver, deliverFaulty, type Prepared } from './deliver.ts';
import { DIRECTIVE_MARK, type Faults, faultsOf } from './directives.ts';
import { replyTo } from './reply.ts';

// A benchmark sends few different bodies; each is answered from memory after the first time.
const CACHE_MAX_REPLIES = 512;
const CACHED_BODY_MAX_CHARS = 16_384;

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream; charset=utf-8';

/** Answers chat calls of one protocol. */
export const createChat = (
  wire: Wire,
): ((body: string, response: ServerResponse) => Promise<void> | void) => {
  const cache = new Map<string, Prepared>();

  const remember = (body: string, prepared: Prepared): void => {
    if (body.length > CACHED_BODY_MAX_CHARS) return;
    if (cache.size >= CACHE_MAX_REPLIES) cache.delete(cache.keys().next().value!);
    cache.set(body, prepared);
  };

  return (body, response) => {
    const known = cache.get(body);
    if (known !== undefined) return deliver(response, known);
    const seed = seedOf(body);
    const call = wire.parse(parseJson(body));
    const faults = body.includes(DIRECTIVE_MARK) ? faultsOf(call.user_text, wire.protocol) : null;
    const reply = replyTo(call, faults?.tokens);
    if (faults === null) {
      const prepared = prepare(wire, call, reply, seed);
      remember(body, prepared);
      return deliver(response, prepared);
    }
    if (faults.status !== undefined) return refuse(faults.status, faults.latency_ms ?? 0);
    const faulty = {
      headers: {
        'content-type': call.stream ? STREAM_TYPE : JSON_TYPE,
        [wire.request_id_header]: `req_${seed}`,
      },
      frames: faultyFrames(wire, call, reply, seed, faults),
      stream: call.stream,
      error_frame: wire.errorFrame(),
    };
    return deliverFaulty(response, faulty, faults);
  };
};

const refuse = async (status: number, latency_ms: number): Promise<never> => {
  await delay(latency_ms);
  throw new SandboxRefusal(status, 'The sandbox was told to answer so.');
};

const prepare = (wire: Wire, call: SandboxCall, reply: SandboxReply, seed: string): Prepared =>
  prepareText(
    200,
    call.stream ? wire.frames(call, reply, seed).join('') : JSON.stringify(wire.whole(call, reply, seed)),
    { 'content-type': call.stream ? STREAM_TYPE : JSON_TYPE, [wire.request_id_header]: `req_${seed}` },
  );

const faultyFrames = (
  wire: Wire,
  call: SandboxCall,
  reply: SandboxReply,
  seed: string,
  faults: Faults,
): string[] => {
  if (faults.empty === true) return [];
  if (faults.garbage === true)
    return [call.stream ? 'data: <html>Bad Gateway\n\n' : '<html>Bad Gateway</html>'];
  if (faults.wrong_type === true)
    return [call.stream ? wire.wrongFrame() : '{"id":7,"choices":"none","content":7}'];
  return call.stream ? wire.frames(call, reply, seed) : [JSON.stringify(wire.whole(call, reply, seed))];
};

/** A reply of one piece, ready to send. */
export const prepareText = (
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): Prepared => {
  const body = Buffer.from(text);
  return {
    status,
    headers: [...Object.entries(headers).flat(), 'content-length', String(body.length)],
    body,
  };
};

/** What ids are made of: the same for the same body. */
export const seedOf = (body: string): string => hash('sha256', body, 'hex').slice(0, 24);

/** The object that a request's body is. @throws SandboxRefusal */
export const parseJson = (body: string): Json => {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new SandboxRefusal(400, 'We could not parse the JSON body of your request.');
  }
  if (!isJsonObject(json)) throw new SandboxRefusal(400, 'The body of the request is not a JSON object.');
  return json;
};
