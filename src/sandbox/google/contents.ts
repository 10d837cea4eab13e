import { type Json, objectOf, type PromptCounts, SandboxRefusal } from '../call.ts';
import { fieldsOf, messageOf, repeated } from './fields.ts';

const CONTENT = fieldsOf('role parts');
const PART = fieldsOf(
  'text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse thought thoughtSignature videoMetadata partMetadata mediaResolution mediaProcessing',
);
const DATA = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
] as const;
const ROLES: ReadonlySet<unknown> = new Set(['user', 'model', 'function', undefined]);

interface Content {
  readonly text: string;
  readonly result: string | null;
  /** Number of functions that are called, and that are answered. */
  readonly calls: number;
  readonly result_count: number;
}

/** Parses a conversation, and adds it to the prompt's counts. @throws SandboxRefusal */
export const readContents = (
  given: unknown,
  counts: PromptCounts,
): { user_text: string; tool_result: string | null } => {
  const contents = repeated(given);
  if (contents.length === 0) {
    throw new SandboxRefusal(400, '* GenerateContentRequest.contents: contents is not specified\n', 'contents');
  }
  let user_text = '';
  let tool_result: string | null = null;
  let open = 0;
  for (const [index, content] of contents.entries()) {
    const at = `contents[${index}]`;
    const { text, result, calls, result_count } = readContent(content, at, counts);
    // A client may send a streamed turn of the model back in the pieces of the stream.
    const is_model = objectOf(content).role === 'model';
    const goes_on = is_model && index > 0 && objectOf(contents[index - 1]).role === 'model';
    if (result_count !== (goes_on ? 0 : open)) {
      throw new SandboxRefusal(
        400,
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
    }
    open = goes_on ? open + calls : calls;
    tool_result = result;
    if (!is_model && result === null) user_text = text;
  }
  return { user_text, tool_result };
};

/** Parses one message, and adds it to the prompt's counts. @throws SandboxRefusal */
export const readContent = (given: unknown, at: string, counts: PromptCounts): Content => {
  const { role, parts } = messageOf(given, CONTENT, at);
  if (!ROLES.has(role)) throw new SandboxRefusal(400, 'Please use a valid role: user, model.');
  let text = '';
  let result: string | null = null;
  let calls = 0;
  let result_count = 0;
  for (const [index, part] of repeated(parts).entries()) {
    const read = readPart(part, `${at}.parts[${index}]`, counts);
    text += read.text;
    if (read.called) calls += 1;
    if (read.result === null) continue;
    result_count += 1;
    result = (result ?? '') + read.result;
  }
  return { text, result, calls, result_count };
};

const readPart = (
  given: unknown,
  at: string,
  counts: PromptCounts,
): { text: string; result: string | null; called: boolean } => {
  const part = messageOf(given, PART, at);
  const kinds = DATA.filter((name) => part[name] !== undefined);
  const [kind] = kinds;
  if (kind === undefined) {
    throw new SandboxRefusal(
      400,
      `* GenerateContentRequest.${at}.data: required oneof field 'data' must have one initialized field\n`,
      at,
    );
  }
  if (kinds.length > 1) {
    throw new SandboxRefusal(400, `Invalid value at '${at}' (oneof), oneof field 'data' is already set.`, at);
  }
  const none = { text: '', result: null, called: false };
  switch (kind) {
    case 'text': {
      const text = String(part.text);
      if (part.thought === true) return none;
      counts.text(text);
      return { ...none, text };
    }
    case 'inlineData':
    case 'fileData':
      if (isImage(objectOf(part[kind]))) counts.image();
      return none;
    case 'functionCall': {
      const { name, args } = objectOf(part.functionCall);
      counts.text(String(name) + JSON.stringify(args ?? {}));
      return { ...none, called: true };
    }
    case 'functionResponse': {
      const result = resultText(objectOf(objectOf(part.functionResponse).response));
      counts.text(result);
      return { ...none, result };
    }
    default:
      return none;
  }
};

const isImage = ({ mimeType, mime_type }: Json): boolean => String(mimeType ?? mime_type ?? '').startsWith('image/');

/** The result of a function, by convention in `output` or `result`. */
const resultText = (response: Json): string => {
  const value = response.output ?? response.result ?? response;
  return typeof value === 'string' ? value : JSON.stringify(value);
};
