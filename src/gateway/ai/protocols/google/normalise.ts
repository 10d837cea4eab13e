import { camelCase } from '../../../../providers/google/repeated-fields.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { isObject } from '../../../../providers/json.ts';

/** Objects within a value that are Google's own messages. All others belong to the client and stay unchanged. */
type Shape = { readonly list: Shape } | { readonly [field: string]: Shape };

const PLAIN: Shape = {};
const MEDIA: Shape = { inlineData: PLAIN, fileData: PLAIN };
const CONTENT: Shape = {
  parts: {
    list: {
      ...MEDIA,
      functionCall: PLAIN,
      functionResponse: { parts: { list: MEDIA } },
      videoMetadata: PLAIN,
    },
  },
};
const GENERATE: Shape = {
  contents: { list: CONTENT },
  systemInstruction: CONTENT,
  tools: { list: { functionDeclarations: { list: PLAIN } } },
  toolConfig: { functionCallingConfig: PLAIN },
  safetySettings: { list: PLAIN },
  generationConfig: { thinkingConfig: PLAIN },
};
const EMBED: Shape = { content: CONTENT };

export const SHAPES = {
  generate: GENERATE,
  count: { ...GENERATE, generateContentRequest: GENERATE },
  embed: EMBED,
  batch: { requests: { list: EMBED } },
} as const satisfies Readonly<Record<string, Shape>>;

/**
 * Converts a body to Google's canonical form. Google's servers accept two names of each field (`systemInstruction`,
 * `system_instruction`), one item instead of a list, and null for absent
 * (https://protobuf.dev/programming-guides/json).
 * @throws OneVaultError invalid_request if a field occurs twice
 */
export const normalise = (value: unknown, shape: Shape, path = ''): unknown => {
  if ('list' in shape && isShape(shape.list)) {
    const { list } = shape;
    if (isObject(value)) return [normalise(value, list, `${path}[0]`)];
    if (!Array.isArray(value)) return value;
    return value.map((each: unknown, index) => normalise(each, list, `${path}[${index}]`));
  }
  if (!isObject(value)) return value;
  const fields = new Map<string, unknown>();
  for (const [given, held] of Object.entries(value)) {
    if (held === null) continue;
    const name = camelCase(given);
    const at = path === '' ? name : `${path}.${name}`;
    if (fields.has(name)) throw invalid(at, 'is given twice, by both of its names');
    const inner = Object.hasOwn(shape, name) ? (shape as Readonly<Record<string, Shape>>)[name] : undefined;
    fields.set(name, inner === undefined ? held : normalise(held, inner, at));
  }
  return Object.fromEntries(fields);
};

const isShape = (shape: unknown): shape is Shape => isObject(shape);
