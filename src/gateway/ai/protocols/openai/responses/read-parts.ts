import type { ContentPart, JsonObject } from '../../../../../providers/chat-form.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { isObject } from '../../../../../providers/json.ts';
import type { Reading } from '../../reading.ts';

/** A part of the pivot form, and the client's path of its source part. */
export interface Part {
  readonly part: ContentPart;
  readonly at: string;
}

/**
 * Converts the content of an item to parts of the pivot form.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readContent = (content: unknown, at: string, reading: Reading): readonly Part[] => {
  if (typeof content === 'string') return [{ part: { type: 'text', text: content }, at }];
  if (!Array.isArray(content)) throw invalid(at, 'is neither a string nor a list of parts');
  return (content as unknown[]).flatMap((given, index) => {
    const here = `${at}[${index}]`;
    if (!isObject(given)) throw invalid(here, 'is not an object');
    const part = partOf(given, here, reading);
    return part === null ? [] : [{ part: { ...part, ...cacheMark(given) }, at: here }];
  });
};

/** OpenAI marks the end of a cached prompt like Anthropic, by another name. */
const cacheMark = ({ prompt_cache_breakpoint }: JsonObject): JsonObject =>
  isObject(prompt_cache_breakpoint) ? { cache_control: { type: 'ephemeral' } } : {};

const partOf = (given: JsonObject, at: string, reading: Reading): ContentPart | null => {
  switch (given.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: textAt(given, 'text', at) };
    case 'refusal':
      return { type: 'text', text: textAt(given, 'refusal', at) };
    case 'input_image':
      return image(given, at, reading);
    case 'input_file':
      return file(given, at, reading);
    case 'input_audio':
      if (!isObject(given.input_audio)) throw invalid(`${at}.input_audio`, 'is not an object');
      return { type: 'input_audio', input_audio: given.input_audio };
    default:
      reading.addUnsupported(`${at}.type`, 'Other providers have no such parts', given);
      return null;
  }
};

const textAt = (given: JsonObject, field: string, at: string): string => {
  const value = given[field];
  if (typeof value !== 'string') throw invalid(`${at}.${field}`, 'is not a string');
  return value;
};

const NOT_STORED = 'The gateway stores no files: send the content or the URL';

const image = ({ image_url, file_id, detail }: JsonObject, at: string, reading: Reading): ContentPart | null => {
  if (typeof image_url === 'string') {
    return {
      type: 'image_url',
      image_url: { url: image_url, ...(typeof detail === 'string' ? { detail } : {}) },
    };
  }
  if (typeof file_id !== 'string') throw invalid(`${at}.image_url`, 'is not a string');
  reading.addUnsupported(`${at}.file_id`, NOT_STORED, null);
  return null;
};

const file = (given: JsonObject, at: string, reading: Reading): ContentPart | null => {
  const { file_data, file_url, file_id, filename } = given;
  const name = typeof filename === 'string' ? { filename } : {};
  if (typeof file_data === 'string') return { type: 'file', file: { ...name, file_data } };
  if (typeof file_url === 'string') return { type: 'file', file: { ...name, file_url } };
  if (typeof file_id !== 'string') throw invalid(`${at}.file_data`, 'is not a string');
  reading.addUnsupported(`${at}.file_id`, NOT_STORED, null);
  return null;
};
