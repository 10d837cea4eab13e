import { bodyText } from '../../core/body.ts';
import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { ToolUses, Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import type { Passthrough, PassthroughStream, RequestTarget } from '../contract.ts';
import { isObject, parseResponse } from '../json.ts';
import { fieldsOf, setField } from '../json-text.ts';
import { createTextLog } from '../text-log.ts';
import { sseText } from '../transport/sse-text.ts';
import { blockOf } from './candidate.ts';
import { totalTokens } from './count-tokens.ts';
import { vectorOf } from './embeddings.ts';
import { errorOfFrame } from './error.ts';
import { generateMethod, post, resourceOf } from './protocol.ts';
import { camelCase, refuseRepeated } from './repeated-fields.ts';
import { candidatesOf } from './response.ts';
import { toolUsesIn } from './tool-uses.ts';
import { usageOf } from './usage.ts';

/** Passes contents through unchanged in both directions: the model is in the path, so the body needs no change. */
export const createGeneratePassthrough = (clock: Clock): Passthrough => ({
  request: (body, target) => {
    const text = bodyText(body);
    refuseRepeated(body);
    return post(generateMethod(target), text, target);
  },
  response: (text) => {
    const json = parseResponse(text);
    const candidates = candidatesOf(json);
    const usage = usageOf(json.usageMetadata);
    const tool_uses = toolUsesIn(candidates, json.modelVersion);
    return {
      result: () => candidates.map(textOf).join(''),
      usage: usage === null ? null : { ...usage, tool_uses },
    };
  },
  stream: () => createPassthroughStream(clock),
});

/** Passes token counts through unchanged in both directions. */
export const countPassthrough: Passthrough = {
  request: (body, target) => {
    const text = bodyText(body);
    refuseRepeated(body);
    return post('countTokens', withModel(text, target), target);
  },
  response: (text) => {
    totalTokens(text);
    return { result: () => '', usage: null };
  },
  stream: null,
};

/** A nested request names its model again, which must match the model of the path. */
const withModel = (body: string, { model }: RequestTarget): string => {
  const inner = fieldsOf(body).find(({ name }) => camelCase(name) === 'generateContentRequest');
  if (inner === undefined || body[inner.from] !== '{') return body;
  const request = body.slice(inner.from, inner.to);
  const named = fieldsOf(request).find(({ name }) => name === 'model');
  const value = JSON.stringify(resourceOf(model));
  if (named === undefined || request.slice(named.from, named.to) === value) return body;
  return setField(body, inner.name, setField(request, 'model', value));
};

/** Each request of a batch names its model again. If one differs from the path's, all are rewritten. */
const withModels = (body: string, { model }: RequestTarget): string => {
  const { requests, ...rest } = JSON.parse(body) as { readonly requests?: unknown };
  const named = resourceOf(model);
  const is_other = (request: unknown): boolean =>
    isObject(request) && request.model !== undefined && request.model !== named;
  if (!Array.isArray(requests) || !requests.some(is_other)) return body;
  const renamed = (requests as unknown[]).map((each) => (isObject(each) ? { ...each, model: named } : each));
  return JSON.stringify({ ...rest, requests: renamed });
};

/** Passes embeddings through unchanged in both directions. @param method one text, or a list of texts */
export const createEmbedPassthrough = (method: 'embedContent' | 'batchEmbedContents'): Passthrough => ({
  request: (body, target) => {
    const text = bodyText(body);
    refuseRepeated(body);
    return post(method, method === 'embedContent' ? text : withModels(text, target), target);
  },
  response: (text) => {
    const json = parseResponse(text);
    const given: unknown = method === 'embedContent' ? [json.embedding] : json.embeddings;
    for (const embedding of Array.isArray(given) ? (given as unknown[]) : [given]) vectorOf(embedding);
    return { result: () => '', usage: usageOf(json.usageMetadata) };
  },
  stream: null,
});

/** Google marks no end: after a finish reason the last frame is held back until the body has ended. */
const createPassthroughStream = (clock: Clock): PassthroughStream => {
  const log = createTextLog((text) => text);
  let finished = false;
  let held = '';
  let usage: Usage | null = null;
  let tool_uses: ToolUses = {};

  const read = (frame: JsonObject): void => {
    if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
    usage = usageOf(frame.usageMetadata) ?? usage;
    const candidates = candidatesOf(frame);
    // Each frame with tool uses contains all of them.
    tool_uses = { ...tool_uses, ...toolUsesIn(candidates, frame.modelVersion) };
    for (const candidate of candidates) {
      log.add(textOf(candidate));
      if (typeof candidate.finishReason === 'string') finished = true;
    }
    if (blockOf(frame) !== null) finished = true;
  };

  return {
    push: (event) => {
      read(parseResponse(event.data));
      const text = held + (finished ? '' : sseText(event));
      held = finished ? sseText(event) : '';
      return text;
    },
    end: () => {
      if (!finished) throw new OneVaultError('provider_disconnected');
    },
    last: () => held,
    get usage() {
      return usage === null ? null : { ...usage, tool_uses };
    },
    text: log.text,
    get tool_uses() {
      return tool_uses;
    },
  };
};

/** All output of a candidate, of any kind. */
const textOf = ({ content }: JsonObject): string => {
  const parts = isObject(content) && Array.isArray(content.parts) ? (content.parts as unknown[]) : [];
  return parts.map(textOfPart).join('');
};

const textOfPart = (part: unknown): string => {
  if (!isObject(part)) return '';
  let text = typeof part.text === 'string' ? part.text : '';
  if (isObject(part.functionCall)) text += `${part.functionCall.name}${JSON.stringify(part.functionCall.args ?? {})}`;
  if (isObject(part.executableCode)) text += String(part.executableCode.code ?? '');
  return text;
};
