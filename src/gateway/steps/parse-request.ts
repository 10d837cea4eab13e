import type { RequestBody } from '../../core/body.ts';
import { readBody } from '../../http/body.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import type { ReadJson } from '../large-bodies/read-json.ts';

const contentOf = ({ text, fields }: ReadJson): RequestBody => (fields === null ? text : { text, fields });

/** Reads the whole body within the size limit, and parses the client's protocol. */
export const parseRequest =
  ({ body_limit_bytes, large_bodies }: GatewayDeps): Step =>
  async (call) => {
    const { body_reader, body_limit_bytes: own_limit_bytes = body_limit_bytes } = call.protocol;
    const type = call.ctx.req.headers['content-type'];
    body_reader.checkType(type);
    const given = await readBody(call.ctx.req, Math.min(own_limit_bytes, body_limit_bytes));
    // Small bodies are read at once: no turn of the event loop is lost.
    const reading = large_bodies.read(given, call.request_salt, body_reader.is_json);
    const { bytes, commitment, json, refusal } = reading instanceof Promise ? await reading : reading;
    call.body = bytes;
    if (bytes.length > 0) call.request_commitment = commitment;
    if (refusal !== null) throw refusal;
    call.content = json === null ? bytes : contentOf(json);
    const { req, query } = call.ctx;
    const params = call.ctx.params as Readonly<Record<string, string>>;
    const body = body_reader.is_json ? json!.value : await body_reader.value(bytes, type);
    call.parsed = call.protocol.read(body, { params, query, headers: req.headers });
  };
