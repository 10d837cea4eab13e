import { isJsonObject, type Json, SandboxRefusal, tokensOf } from './call.ts';
import { CREATED_S } from './openai.ts';

// Any model name is served; these are the ones that are listed.
const MODELS = {
  openai: ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'gpt-4.1-mini', 'text-embedding-3-small'],
  anthropic: ['claude-opus-5', 'claude-sonnet-5', 'claude-haiku-4-5'],
} as const;

/** The body of `GET /v1/models`. */
export const modelList = (protocol: 'openai' | 'anthropic'): Json => {
  if (protocol === 'openai') {
    const data = MODELS.openai.map((id) => ({
      id,
      object: 'model',
      created: CREATED_S,
      owned_by: 'sandbox',
    }));
    return { object: 'list', data };
  }
  const created_at = new Date(CREATED_S * 1_000).toISOString();
  const data = MODELS.anthropic.map((id) => ({ type: 'model', id, display_name: id, created_at }));
  return { data, has_more: false, first_id: MODELS.anthropic[0], last_id: MODELS.anthropic.at(-1) };
};

const DIMENSIONS = 1_536;
const INPUTS_MAX = 2_048;

/** The body of `POST /v1/embeddings`: unit vectors drawn from the input's text. @throws SandboxRefusal */
export const embeddings = (body: Json): Json => {
  const { model, input, dimensions = DIMENSIONS, encoding_format } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  if (
    typeof dimensions !== 'number' ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > 4_096
  ) {
    throw new SandboxRefusal(400, "Invalid value for 'dimensions'.", 'dimensions');
  }
  const texts = inputsOf(input);
  const data = texts.map((text, index) => {
    const vector = vectorOf(text, dimensions);
    const embedding =
      encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const prompt_tokens = texts.reduce((sum, text) => sum + tokensOf(text.length), 0);
  return { object: 'list', data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } };
};

const inputsOf = (input: unknown): readonly string[] => {
  if (typeof input === 'string') return [input];
  const list: unknown[] = Array.isArray(input) ? input : [];
  if (
    list.length === 0 ||
    list.length > INPUTS_MAX ||
    list.some((item) => isJsonObject(item) || item === null)
  ) {
    throw new SandboxRefusal(400, "Invalid value for 'input'.", 'input');
  }
  // A list of numbers is one text given as tokens.
  return list.every((item) => typeof item === 'number') ? [list.join(' ')] : list.map(String);
};

/** Numbers of a linear congruential generator seeded with the text (FNV-1a), scaled to length 1. */
const vectorOf = (text: string, dimensions: number): Float32Array => {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  const vector = new Float32Array(dimensions);
  let squares = 0;
  for (let at = 0; at < dimensions; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const value = state / 0x80000000;
    vector[at] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares) || 1;
  return vector.map((value) => value / length);
};
