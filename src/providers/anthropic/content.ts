import type { JsonObject } from '../contract.ts';
import { isObject } from '../json.ts';
import { invalid, unsupported } from './refusal.ts';

/** Blocks of a content that may hold text, images and documents. Empty texts are left out, as Anthropic refuses them. */
export const contentBlocks = (content: unknown, param: string): readonly JsonObject[] =>
  blocks(content, param, blockOf);

/** Blocks of a content that may hold text only. */
export const textBlocks = (content: unknown, param: string): readonly JsonObject[] =>
  blocks(content, param, (part, at) => {
    if (part.type === 'text') return textBlock(part.text, part, `${at}.text`);
    if (part.type === 'refusal') return textBlock(part.refusal, part, `${at}.refusal`);
    throw unsupported(`${at}.type`, 'take text only in this role');
  });

type BlockOf = (part: JsonObject, param: string) => JsonObject;

const blocks = (content: unknown, param: string, toBlock: BlockOf): readonly JsonObject[] => {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw invalid(param, 'is neither a text nor a list');
  return (content as unknown[])
    .map((part, index) => {
      const at = `${param}[${index}]`;
      if (!isObject(part)) throw invalid(at, 'is not an object');
      return toBlock(part, at);
    })
    .filter((block) => block.text !== '');
};

const blockOf: BlockOf = (part, param) => {
  switch (part.type) {
    case 'text':
      return textBlock(part.text, part, `${param}.text`);
    case 'image_url':
      return imageBlock(part, param);
    case 'file':
      return documentBlock(part, param);
    default:
      throw unsupported(`${param}.type`, 'take text, images and PDF files');
  }
};

const textBlock = (text: unknown, part: JsonObject, param: string): JsonObject => {
  if (typeof text !== 'string') throw invalid(param, 'is not a text');
  return { type: 'text', text, ...cacheMark(part) };
};

const cacheMark = (part: JsonObject): JsonObject =>
  isObject(part.cache_control) ? { cache_control: part.cache_control } : {};

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const DATA_URL_HEAD = /^data:([^;,]*)((?:;[^;,]*)*),/;

const imageBlock = (part: JsonObject, param: string): JsonObject => {
  const image = part.image_url;
  const url = isObject(image) ? image.url : undefined;
  if (!isObject(image) || typeof url !== 'string') throw invalid(`${param}.image_url.url`, 'is not a text');
  const detail = image.detail ?? 'auto';
  if (detail !== 'auto' && detail !== 'high') {
    throw unsupported(`${param}.image_url.detail`, 'read images in full detail only');
  }
  if (/^https?:\/\//i.test(url)) return { type: 'image', source: { type: 'url', url }, ...cacheMark(part) };
  const { media_type, data } = dataUrl(url, `${param}.image_url.url`);
  if (!IMAGE_TYPES.has(media_type))
    throw unsupported(`${param}.image_url.url`, 'read JPEG, PNG, GIF and WebP images');
  return { type: 'image', source: { type: 'base64', media_type, data }, ...cacheMark(part) };
};

const documentBlock = (part: JsonObject, param: string): JsonObject => {
  const file = part.file;
  const url = isObject(file) ? file.file_data : undefined;
  if (!isObject(file) || typeof url !== 'string') {
    throw unsupported(`${param}.file`, 'take files with their content (file.file_data) only');
  }
  const { media_type, data } = dataUrl(url, `${param}.file.file_data`);
  if (media_type !== 'application/pdf') throw unsupported(`${param}.file.file_data`, 'read PDF files only');
  const title = typeof file.filename === 'string' ? { title: file.filename } : {};
  return { type: 'document', source: { type: 'base64', media_type, data }, ...title, ...cacheMark(part) };
};

/** The parts of a base64 data URL (RFC 2397). */
const dataUrl = (url: string, param: string): { readonly media_type: string; readonly data: string } => {
  const head = DATA_URL_HEAD.exec(url);
  if (head === null || !head[2]!.split(';').includes('base64')) {
    throw invalid(param, 'is neither an http(s) URL nor a base64 data URL');
  }
  const type = head[1]!.toLowerCase();
  return { media_type: type === 'image/jpg' ? 'image/jpeg' : type, data: url.slice(head[0].length) };
};
