import type { ContentPart } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';
import { NOTHING_LIKE_IT } from '../read-fields.ts';
import type { Reading } from '../reading.ts';
import type { FileData, InlineData, Part } from './generate-request.ts';

/**
 * Converts a part to the pivot form; null if it is unsupported.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readPart = (part: Part, at: string, reading: Reading): ContentPart | null => {
  if (part.videoMetadata !== undefined) {
    reading.addUnsupported(`${at}.videoMetadata`, NOTHING_LIKE_IT, part.videoMetadata);
  }
  if (part.text !== undefined) return { type: 'text', text: part.text };
  if (part.inlineData !== undefined) return inlinePart(part.inlineData, `${at}.inlineData`, reading);
  if (part.fileData !== undefined) return filePart(part.fileData, `${at}.fileData`, reading);
  reading.addUnsupported(at, 'Other providers have no such parts', part);
  return null;
};

// OpenAI's audio formats, by MIME type.
const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map([
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/mp3', 'mp3'],
  ['audio/mpeg', 'mp3'],
]);

const inlinePart = (inline: InlineData, at: string, reading: Reading): ContentPart | null => {
  const { mimeType, data, displayName } = inline;
  const url = `data:${mimeType};base64,${data}`;
  const named = typeof displayName === 'string' ? { filename: displayName } : {};
  if (mimeType.startsWith('image/')) return { type: 'image_url', image_url: { url } };
  if (mimeType === 'application/pdf') return { type: 'file', file: { ...named, file_data: url } };
  if (mimeType.startsWith('text/')) {
    return { type: 'file', file: { ...named, text: Buffer.from(data, 'base64').toString() } };
  }
  const format = AUDIO_FORMATS.get(mimeType);
  if (format !== undefined) return { type: 'input_audio', input_audio: { data, format } };
  reading.addUnsupported(at, 'Other providers take images, PDF files, text, WAV and MP3 only', null);
  return null;
};

// Other providers cannot read files that Google stores.
const PUBLIC_URL = /^https?:\/\/(?!generativelanguage\.googleapis\.com\/)/i;

const filePart = (file: FileData, at: string, reading: Reading): ContentPart | null => {
  const { mimeType = '', fileUri } = file;
  if (PUBLIC_URL.test(fileUri)) {
    if (mimeType.startsWith('image/')) return { type: 'image_url', image_url: { url: fileUri } };
    if (mimeType === 'application/pdf') return { type: 'file', file: { file_url: fileUri } };
  }
  reading.addUnsupported(at, 'Other providers take images and PDF files from public URLs only', file);
  return null;
};

/** Function result as text: its only field `output` or `result`, as many clients call it, else the JSON. */
export const resultText = (response: unknown): { readonly content: string; readonly is_error: boolean } => {
  const fields = isObject(response) ? Object.entries(response) : [];
  const [first] = fields;
  const [name, value] = fields.length === 1 && first !== undefined ? first : [];
  if (name === 'output' || name === 'result' || name === 'error') {
    const content = typeof value === 'string' ? value : JSON.stringify(value);
    return { content, is_error: name === 'error' };
  }
  return { content: fields.length === 0 ? '' : JSON.stringify(response), is_error: false };
};
