import type { JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';

/** Blocks of a content that may hold text, images and documents, without empty texts, which Anthropic refuses. */
export const contentBlocks = (content: unknown, param: string, unsupported: UnsupportedFields): readonly JsonObject[] =>
  blocks(content, param, (part, at) => blockOf(part, at, unsupported));

/** Blocks of a content that may hold text only. */
export const textBlocks = (content: unknown, param: string, unsupported: UnsupportedFields): readonly JsonObject[] =>
  blocks(content, param, (part, at) => {
    if (part.type === 'text') return textBlock(part.text, part, `${at}.text`);
    if (part.type === 'refusal') return textBlock(part.refusal, part, `${at}.refusal`);
    unsupported.add(`${at}.type`, "Anthropic's models take text only in this role");
    return null;
  });

const blocks = (
  content: unknown,
  param: string,
  toBlock: (part: JsonObject, param: string) => JsonObject | null,
): readonly JsonObject[] => {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw invalid(param, 'must be a text or a list');
  return (content as unknown[]).flatMap((part, index) => {
    const at = `${param}[${index}]`;
    if (!isObject(part)) throw invalid(at, 'must be an object');
    const block = toBlock(part, at);
    return block === null || block.text === '' ? [] : [block];
  });
};

const blockOf = (part: JsonObject, param: string, unsupported: UnsupportedFields): JsonObject | null => {
  switch (part.type) {
    case 'text':
      return textBlock(part.text, part, `${param}.text`);
    case 'image_url':
      return imageBlock(part, param, unsupported);
    case 'file':
      return documentBlock(part, param, unsupported);
    default:
      unsupported.add(`${param}.type`, "Anthropic's models take text, images, PDF files and documents of text");
      return null;
  }
};

const textBlock = (text: unknown, part: JsonObject, param: string): JsonObject => {
  if (typeof text !== 'string') throw invalid(param, 'must be a text');
  return { type: 'text', text, ...cacheMark(part) };
};

/** The client's mark that Anthropic should cache the part. */
export const cacheMark = (part: JsonObject): JsonObject =>
  isObject(part.cache_control) ? { cache_control: part.cache_control } : {};

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const DATA_URL_HEAD = /^data:([^;,]*)((?:;[^;,]*)*),/;
const WEB_URL = /^https?:\/\//i;

const imageBlock = (part: JsonObject, param: string, unsupported: UnsupportedFields): JsonObject | null => {
  const image = part.image_url;
  const url = isObject(image) ? image.url : undefined;
  if (!isObject(image) || typeof url !== 'string') throw invalid(`${param}.image_url.url`, 'must be a text');
  const detail = image.detail ?? 'auto';
  if (detail !== 'auto' && detail !== 'high') {
    unsupported.add(`${param}.image_url.detail`, "Anthropic's models read images in full detail only");
  }
  if (WEB_URL.test(url)) return { type: 'image', source: { type: 'url', url }, ...cacheMark(part) };
  const { media_type, data } = dataUrl(url, `${param}.image_url.url`);
  if (!IMAGE_TYPES.has(media_type)) {
    unsupported.add(`${param}.image_url.url`, "Anthropic's models read JPEG, PNG, GIF and WebP images");
    return null;
  }
  return { type: 'image', source: { type: 'base64', media_type, data }, ...cacheMark(part) };
};

const documentBlock = (part: JsonObject, param: string, unsupported: UnsupportedFields): JsonObject | null => {
  const file = isObject(part.file) ? part.file : {};
  const source = documentSource(file, `${param}.file`, unsupported);
  if (source === null) return null;
  const title = typeof file.filename === 'string' ? { title: file.filename } : {};
  const context = typeof file.context === 'string' ? { context: file.context } : {};
  return { type: 'document', source, ...title, ...context, ...cacheMark(part) };
};

const documentSource = (file: JsonObject, param: string, unsupported: UnsupportedFields): JsonObject | null => {
  const { text, file_url, file_data } = file;
  if (typeof text === 'string') return { type: 'text', media_type: 'text/plain', data: text };
  if (typeof file_url === 'string') return { type: 'url', url: file_url };
  if (typeof file_data !== 'string') {
    unsupported.add(param, "Anthropic's models take files with their content or their URL only");
    return null;
  }
  const { media_type, data } = dataUrl(file_data, `${param}.file_data`);
  if (media_type === 'application/pdf') return { type: 'base64', media_type, data };
  if (media_type === 'text/plain') {
    return { type: 'text', media_type, data: Buffer.from(data, 'base64').toString('utf8') };
  }
  unsupported.add(`${param}.file_data`, "Anthropic's models read PDF files and plain text");
  return null;
};

/** The parts of a base64 data URL (RFC 2397). */
const dataUrl = (url: string, param: string): { readonly media_type: string; readonly data: string } => {
  const head = DATA_URL_HEAD.exec(url);
  if (head === null || !head[2]!.split(';').includes('base64')) {
    throw invalid(param, 'must be an http(s) URL or a base64 data URL');
  }
  const type = head[1]!.toLowerCase();
  return { media_type: type === 'image/jpg' ? 'image/jpeg' : type, data: url.slice(head[0].length) };
};
