import { checkModel, isJsonObject, type Json, SandboxRefusal, tokensOf } from '../call.ts';
import { jsonEndpoint } from '../endpoints.ts';
import type { Endpoint } from '../protocol.ts';
import { vectorOf } from '../vector.ts';
import { openAi } from './protocol.ts';

const DIMENSIONS = 1_536;
const DIMENSIONS_MAX = 4_096;
const INPUTS_MAX = 2_048;

/** OpenAI's embeddings: unit vectors drawn from the input's text. */
export const openAiEmbeddings: Endpoint = jsonEndpoint(openAi, (body) => {
  const { model, encoding_format } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  checkModel(model);
  const dimensions = dimensionsOf(body);
  const texts = inputsOf(body.input);
  const data = texts.map((text, index) => {
    const vector = vectorOf(text, dimensions);
    const embedding = encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const prompt_tokens = texts.reduce((sum, text) => sum + tokensOf(text.length), 0);
  return {
    user_text: texts.at(-1) ?? '',
    json: { object: 'list', data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } },
  };
});

const dimensionsOf = ({ dimensions }: Json): number => {
  if (dimensions === undefined || dimensions === null) return DIMENSIONS;
  if (
    typeof dimensions !== 'number' ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > DIMENSIONS_MAX
  ) {
    throw new SandboxRefusal(400, "Invalid value for 'dimensions'.", 'dimensions');
  }
  return dimensions;
};

const inputsOf = (input: unknown): readonly string[] => {
  if (typeof input === 'string') return [input];
  const list: unknown[] = Array.isArray(input) ? input : [];
  if (list.length === 0 || list.length > INPUTS_MAX || list.some((item) => isJsonObject(item) || item === null)) {
    throw new SandboxRefusal(400, "Invalid value for 'input'.", 'input');
  }
  // A list of numbers is one text in tokens.
  return list.every((item) => typeof item === 'number') ? [list.join(' ')] : list.map(String);
};
