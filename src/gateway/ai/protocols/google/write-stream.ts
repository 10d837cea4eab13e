import type { ChatChunk, JsonObject } from '../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../providers/json.ts';
import type { ChatStreamEncoder } from '../../operations/chat.ts';
import { signatureOf } from './signed-thoughts.ts';
import { callPart } from './write-call.ts';
import { finishReasonOf, logprobsFields, usageFields } from './write-fields.ts';

export interface WriterOptions {
  /** True if the client requested the thoughts. */
  readonly shows_thoughts: boolean;
}

/** State of one candidate of a streamed response. */
interface Candidate {
  /** Calls with incomplete arguments: Google writes calls whole. */
  readonly calls: Map<number, { id: unknown; name: unknown; args: string }>;
  readonly blocks: JsonObject[];
  finish_reason: string | null;
  refusal: string;
}

/** Writes a stream of the pivot form in Google's form. Each frame is a response of its own. */
export const createContentStream = ({ shows_thoughts }: WriterOptions): ChatStreamEncoder => {
  const candidates = new Map<number, Candidate>();
  let head: JsonObject = {};

  const candidateAt = (index: number): Candidate => {
    const known = candidates.get(index);
    if (known !== undefined) return known;
    const made: Candidate = { calls: new Map(), blocks: [], finish_reason: null, refusal: '' };
    candidates.set(index, made);
    return made;
  };

  const read = (choice: ChatChunk['choices'][number], candidate: Candidate): readonly JsonObject[] => {
    const delta: JsonObject = isObject(choice.delta) ? choice.delta : {};
    const { reasoning_content, content, refusal } = delta;
    const parts: JsonObject[] = [];
    if (shows_thoughts && isText(reasoning_content)) parts.push({ text: reasoning_content, thought: true });
    if (isText(content)) parts.push({ text: content });
    if (isText(refusal)) candidate.refusal += refusal;
    candidate.blocks.push(...listOf(delta.thinking_blocks));
    for (const call of listOf(delta.tool_calls)) gather(call, candidate);
    if (typeof choice.finish_reason !== 'string') return parts;
    candidate.finish_reason = choice.finish_reason;
    return [...parts, ...callParts(candidate)];
  };

  return {
    chunk: ({ id, model, choices }) => {
      head = { modelVersion: model, responseId: id };
      const written = choices.flatMap((choice) => {
        const index = choice.index ?? 0;
        const parts = read(choice, candidateAt(index));
        const logprobs = logprobsFields(choice.logprobs);
        if (parts.length === 0 && Object.keys(logprobs).length === 0) return [];
        return [{ content: { parts, role: 'model' }, index, ...logprobs }];
      });
      return written.length === 0 ? '' : frame({ candidates: written, ...head });
    },
    last: ({ usage }) => {
      candidateAt(0);
      const ended = [...candidates].map(([index, candidate]) => endOf(index, candidate));
      return frame({ candidates: ended, ...usageFields(usage), ...head });
    },
  };
};

const frame = (fields: JsonObject): string => `data: ${JSON.stringify(fields)}\n\n`;

/** Last frame of a candidate. Some servers send no finish reason: then the calls are written here. */
const endOf = (index: number, candidate: Candidate): JsonObject => {
  const { finish_reason, refusal } = candidate;
  const is_refused = refusal !== '';
  const parts = finish_reason === null ? callParts({ ...candidate, finish_reason: 'length' }) : [];
  return {
    content: { parts: parts.length === 0 ? [{ text: '' }] : parts, role: 'model' },
    finishReason: finishReasonOf(is_refused ? 'content_filter' : finish_reason),
    ...(is_refused ? { finishMessage: refusal } : {}),
    index,
  };
};

const gather = (delta: JsonObject, { calls }: Candidate): void => {
  const number = typeof delta.index === 'number' ? delta.index : calls.size;
  const called: JsonObject = isObject(delta.function) ? delta.function : {};
  const call = calls.get(number) ?? { id: delta.id, name: called.name, args: '' };
  calls.set(number, call);
  if (typeof called.name !== 'string' && call.name === undefined) throw malformed('a tool call has no name');
  if (typeof called.arguments === 'string') call.args += called.arguments;
};

/** @throws OneVaultError provider_malformed if a complete call has incomplete arguments */
const callParts = ({ calls, blocks, finish_reason }: Candidate): readonly JsonObject[] => {
  const [first, ...others] = [...calls.values()].map((call) => callPart(call, call.args, finish_reason === 'length'));
  if (first === undefined) return [];
  return [blocks.length === 0 ? first : { ...first, thoughtSignature: signatureOf(blocks) }, ...others];
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const listOf = (value: unknown): readonly JsonObject[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isObject)) throw malformed('a delta holds no list of objects');
  return value;
};
