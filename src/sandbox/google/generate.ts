import { type Json, listOf, objectOf, type SandboxCall, SandboxRefusal, type SandboxResponse } from '../call.ts';
import { pngOf } from '../png.ts';
import type { ChatForm } from '../protocol.ts';
import { parseGenerate } from './generate-request.ts';
import { google, statusOf } from './protocol.ts';

/** Google's `generateContent` and `streamGenerateContent`. */
export const googleGenerate: ChatForm = {
  protocol: google,
  parse: parseGenerate,
  whole: (call, response, seed) => {
    const parts = partsOf(call, response, seed);
    return chunkOf(call, seed, {
      parts: parts.length === 0 ? [{ text: '' }] : joined(parts.map(({ part }) => part)),
      finish: response.finish,
      usage: usageOf(call, response, tokensIn(parts), response.thinking.length),
    });
  },
  frames: (call, response, seed) =>
    framed(
      call,
      chunksOf(call, response, seed).map((chunk) => JSON.stringify(chunk)),
    ),
  errorFrame: ({ sse }, sent) => {
    const error = JSON.stringify(statusOf(new SandboxRefusal(503, 'The model is overloaded. Please try again later.')));
    return sse ? `data: ${error}\r\n\r\n` : `${sent === 0 ? '[' : ',\r\n'}${error}\r\n]`;
  },
  wrongFrame: ({ sse }) => {
    const wrong = '{"candidates":7,"usageMetadata":"much"}';
    return sse ? `data: ${wrong}\r\n\r\n` : `[${wrong}]`;
  },
};

const FINISH_REASONS = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  tool_calls: 'STOP',
  refused: 'SAFETY',
  blocked: 'SAFETY',
} as const;

/** Server-sent events, or the elements of one JSON list. */
const framed = ({ sse }: SandboxCall, chunks: readonly string[]): string[] =>
  sse
    ? chunks.map((chunk) => `data: ${chunk}\r\n\r\n`)
    : [...chunks.map((chunk, index) => `${index === 0 ? '[' : ',\r\n'}${chunk}`), '\r\n]'];

interface Chunk {
  readonly parts: readonly Json[];
  readonly finish: SandboxResponse['finish'] | null;
  readonly usage: Json;
}

const chunkOf = (call: SandboxCall, seed: string, { parts, finish, usage }: Chunk): Json => {
  const rest = { usageMetadata: usage, modelVersion: call.model, responseId: seed };
  if (finish === 'blocked') {
    return { promptFeedback: { blockReason: 'SAFETY', safetyRatings: ratingsOf(true) }, ...rest };
  }
  const { candidateCount } = objectOf(call.body.generationConfig);
  const candidates = Array.from({ length: typeof candidateCount === 'number' ? candidateCount : 1 }, (_, index) => ({
    // Unsafe content is left out.
    ...(finish === 'refused' ? {} : { content: { parts, role: 'model' } }),
    ...(finish === null ? {} : { finishReason: FINISH_REASONS[finish] }),
    index,
    ...(finish === 'refused' ? { safetyRatings: ratingsOf(true) } : {}),
  }));
  return { candidates, ...rest };
};

const ratingsOf = (blocked: boolean): Json[] => [
  { category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked },
];

/** A part and its number of tokens. */
interface CountedPart {
  readonly part: Json;
  readonly thoughts: number;
  readonly tokens: number;
}

const tokensIn = (parts: readonly CountedPart[]): number => parts.reduce((sum, { tokens }) => sum + tokens, 0);

// Published by Google for an image of this size.
const IMAGE_TOKENS = 1_290;
const IMAGE_SIZE = { width: 1_024, height: 1_024 };

const imagesOf = ({ body }: SandboxCall, seed: string): CountedPart[] => {
  const { responseModalities } = objectOf(body.generationConfig);
  if (!listOf(responseModalities).includes('IMAGE')) return [];
  const data = pngOf(seed, IMAGE_SIZE).toString('base64');
  return [{ part: { inlineData: { mimeType: 'image/png', data } }, thoughts: 0, tokens: IMAGE_TOKENS }];
};

const partsOf = (call: SandboxCall, response: SandboxResponse, seed: string): CountedPart[] => {
  const sign = response.thinking.length > 0;
  const thoughtSignature = Buffer.from(`thought ${seed}`).toString('base64');
  const thoughts =
    call.thinking === 'shown'
      ? response.thinking.map((text) => ({ part: { text, thought: true }, thoughts: 1, tokens: 0 }))
      : [];
  if (response.finish === 'refused' || response.finish === 'blocked') return thoughts;
  const called = response.tool_calls.map(({ name, input }, index) => ({
    part: {
      functionCall: { id: `${seed.slice(0, 8)}${index}`, name, args: input },
      // Only the first of several parallel calls has a signature.
      ...(sign && index === 0 ? { thoughtSignature } : {}),
    },
    thoughts: 0,
    tokens: index === response.tool_calls.length - 1 ? response.completion_tokens - response.pieces.length : 0,
  }));
  return [
    ...thoughts,
    ...response.pieces.map((text) => ({ part: { text }, thoughts: 0, tokens: 1 })),
    ...called,
    ...imagesOf(call, seed),
  ];
};

/** Joins successive texts of one kind to one part. */
const joined = (parts: readonly Json[]): Json[] => {
  const out: Json[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (last?.text !== undefined && part.text !== undefined && last.thought === part.thought) {
      out[out.length - 1] = { ...last, text: `${String(last.text)}${String(part.text)}` };
    } else out.push(part);
  }
  return out;
};

const chunksOf = (call: SandboxCall, response: SandboxResponse, seed: string): Json[] => {
  const parts = partsOf(call, response, seed);
  let tokens = 0;
  let thoughts = call.thinking === 'shown' ? 0 : response.thinking.length;
  const chunks = parts.map((counted) => {
    tokens += counted.tokens;
    thoughts += counted.thoughts;
    return chunkOf(call, seed, {
      parts: [counted.part],
      finish: null,
      usage: usageOf(call, response, tokens, thoughts),
    });
  });
  const end = {
    parts: [{ text: '' }],
    finish: response.finish,
    usage: usageOf(call, response, tokens, response.thinking.length),
  };
  return [...chunks, chunkOf(call, seed, end)];
};

/** Leaves out counts of zero, as Google does. */
const usageOf = (call: SandboxCall, response: SandboxResponse, tokens: number, thoughts: number): Json => ({
  promptTokenCount: call.prompt_tokens,
  ...(tokens > 0 ? { candidatesTokenCount: tokens } : {}),
  totalTokenCount: call.prompt_tokens + tokens + thoughts,
  ...(response.cached_tokens > 0 ? { cachedContentTokenCount: response.cached_tokens } : {}),
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: call.prompt_tokens }],
  ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
});
