import type { ContentPart, JsonObject } from '../../../../providers/chat-form.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { isObject } from '../../../../providers/json.ts';
import type { Reading } from '../reading.ts';
import type { Block } from './messages-request.ts';

/** A part of the pivot form, and the client's path of its source block. */
export interface Part {
  readonly part: ContentPart;
  readonly at: string;
}

/**
 * Converts blocks to parts of the pivot form. A block gives several parts, or none if it is unsupported.
 * @param pathOf the client's path of a block by its index
 * @throws OneVaultError invalid_request, naming the field
 */
export const readParts = (
  blocks: readonly Block[],
  at: string,
  reading: Reading,
  pathOf = (index: number): string => `${at}[${index}]`,
): readonly Part[] =>
  blocks.flatMap((block, index) => {
    const here = pathOf(index);
    return partsOf(block, here, reading).map((part) => ({ part, at: here }));
  });

const partsOf = (block: Block, at: string, reading: Reading): readonly ContentPart[] => {
  const mark = isObject(block.cache_control) ? { cache_control: block.cache_control } : {};
  switch (block.type) {
    case 'text':
      if (block.text === undefined) throw invalid(`${at}.text`, 'is not a string');
      return [{ type: 'text', text: block.text, ...mark }];
    case 'image':
      return image(block, at, reading).map((part) => ({ ...part, ...mark }));
    case 'document':
      return documentParts(block, at, reading).map((part) => ({ ...part, ...mark }));
    case 'search_result':
      return searchResult(block, at).map((part) => ({ ...part, ...mark }));
    default:
      reading.addUnsupported(`${at}.type`, 'Other providers have no such blocks', block);
      return [];
  }
};

const sourceOf = (block: Block, at: string): JsonObject => {
  if (!isObject(block.source)) throw invalid(`${at}.source`, 'is not an object');
  return block.source;
};

const image = (block: Block, at: string, reading: Reading): readonly ContentPart[] => {
  const { type, url, media_type, data } = sourceOf(block, at);
  if (type === 'url' && typeof url === 'string') return [{ type: 'image_url', image_url: { url } }];
  if (type === 'base64' && typeof media_type === 'string' && typeof data === 'string') {
    return [{ type: 'image_url', image_url: { url: `data:${media_type};base64,${data}` } }];
  }
  reading.addUnsupported(`${at}.source`, 'Other providers take images by URL or by content only', null);
  return [];
};

const documentParts = (block: Block, at: string, reading: Reading): readonly ContentPart[] => {
  const { type, url, media_type, data, content } = sourceOf(block, at);
  if (isObject(block.citations) && block.citations.enabled === true) {
    reading.addUnsupported(`${at}.citations`, 'Other providers have no citations', null);
  }
  const about = {
    ...(typeof block.title === 'string' ? { filename: block.title } : {}),
    ...(typeof block.context === 'string' ? { context: block.context } : {}),
  };
  if (type === 'url' && typeof url === 'string') return [{ type: 'file', file: { ...about, file_url: url } }];
  if (type === 'text' && typeof data === 'string') return [{ type: 'file', file: { ...about, text: data } }];
  if (type === 'base64' && typeof media_type === 'string' && typeof data === 'string') {
    return [{ type: 'file', file: { ...about, file_data: `data:${media_type};base64,${data}` } }];
  }
  if (type === 'content') return [...textParts([block.title, block.context]), ...contentParts(content, at, reading)];
  reading.addUnsupported(`${at}.source`, 'Other providers take documents by URL or by content only', null);
  return [];
};

const contentParts = (content: unknown, at: string, reading: Reading): readonly ContentPart[] => {
  if (typeof content === 'string') return textParts([content]);
  if (!Array.isArray(content)) throw invalid(`${at}.source.content`, 'is neither a string nor a list');
  return (content as unknown[]).flatMap((block, index) => {
    const here = `${at}.source.content[${index}]`;
    if (!isObject(block)) throw invalid(here, 'is not an object');
    if (block.type === 'image') return image(block as Block, here, reading);
    if (block.type === 'text' && typeof block.text === 'string') return textParts([block.text]);
    throw invalid(`${here}.type`, 'is neither "text" nor "image"');
  });
};

/** Converts a search result to text: title and source, then content. */
const searchResult = (block: Block, at: string): readonly ContentPart[] => {
  if (!Array.isArray(block.content)) throw invalid(`${at}.content`, 'is not a list');
  const texts = (block.content as unknown[]).map((each) => (isObject(each) ? each.text : undefined));
  return textParts([block.title, block.source, ...texts]);
};

const textParts = (texts: readonly unknown[]): readonly ContentPart[] =>
  texts
    .filter((text) => typeof text === 'string' && text !== '')
    .map((text) => ({ type: 'text', text }) as ContentPart);
