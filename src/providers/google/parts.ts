import type { JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { inlineDataOf, isWebUrl, typeOfUrl } from './media.ts';
import { isThirdGeneration } from './protocol.ts';

/** Translates one part of a content; empty if the part is unsupported. */
type ToParts = (part: JsonObject, param: string) => readonly JsonObject[];

interface Content {
  readonly content: unknown;
  readonly param: string;
}

/**
 * Parts of a content that may hold text, images, files and audio, without empty texts.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const contentParts = (given: Content, model: string, unsupported: UnsupportedFields): readonly JsonObject[] =>
  partsOf(given, (part, param) => partOf(part, param, model, unsupported));

/** Parts of a content that may hold text only. */
export const textParts = (given: Content, unsupported: UnsupportedFields): readonly JsonObject[] =>
  partsOf(given, (part, param) => {
    if (part.type === 'text') return [textPart(part.text, `${param}.text`)];
    if (part.type === 'refusal') return [textPart(part.refusal, `${param}.refusal`)];
    unsupported.add(`${param}.type`, "Google's models take text only in this role");
    return [];
  });

const partsOf = ({ content, param }: Content, toParts: ToParts): readonly JsonObject[] => {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ text: content }];
  if (!Array.isArray(content)) throw invalid(param, 'must be a text or a list');
  return (content as unknown[]).flatMap((part, index) => {
    const at = `${param}[${index}]`;
    if (!isObject(part)) throw invalid(at, 'must be an object');
    return toParts(part, at).filter(({ text }) => text !== '');
  });
};

const partOf = (
  part: JsonObject,
  param: string,
  model: string,
  unsupported: UnsupportedFields,
): readonly JsonObject[] => {
  switch (part.type) {
    case 'text':
      return [textPart(part.text, `${param}.text`)];
    case 'image_url':
      return imageParts(part, param, model, unsupported);
    case 'file':
      return fileParts(isObject(part.file) ? part.file : {}, `${param}.file`, unsupported);
    case 'input_audio':
      return [audioPart(part.input_audio, `${param}.input_audio`)];
    default:
      unsupported.add(`${param}.type`, "Google's models take text, images, files and audio");
      return [];
  }
};

const textPart = (text: unknown, param: string): JsonObject => {
  if (typeof text !== 'string') throw invalid(param, 'must be a text');
  return { text };
};

const imageParts = (
  part: JsonObject,
  param: string,
  model: string,
  unsupported: UnsupportedFields,
): readonly JsonObject[] => {
  const image = part.image_url;
  const url = isObject(image) ? image.url : undefined;
  if (!isObject(image) || typeof url !== 'string') throw invalid(`${param}.image_url.url`, 'must be a text');
  const resolution = resolutionOf(image.detail, `${param}.image_url.detail`, model, unsupported);
  if (!isWebUrl(url)) return [{ inlineData: inlineDataOf(url, `${param}.image_url.url`), ...resolution }];
  const mimeType = typeOfUrl(url);
  if (mimeType !== null) return [{ fileData: { mimeType, fileUri: url }, ...resolution }];
  const why = 'Google requires the type of an image, which this URL does not show: send the image itself';
  unsupported.add(`${param}.image_url.url`, why);
  return [];
};

const resolutionOf = (detail: unknown, param: string, model: string, unsupported: UnsupportedFields): JsonObject => {
  if (detail === undefined || detail === null || detail === 'auto') return {};
  if (isThirdGeneration(model) && (detail === 'low' || detail === 'high')) {
    return { mediaResolution: { level: `MEDIA_RESOLUTION_${detail.toUpperCase()}` } };
  }
  unsupported.add(param, "Google's models before Gemini 3 read every image in the same detail");
  return {};
};

const fileParts = (file: JsonObject, param: string, unsupported: UnsupportedFields): readonly JsonObject[] => {
  const { text, file_url, file_data, filename, context } = file;
  // Google's parts have no field for the name and the context of a file, so these precede it as text.
  const about = [filename, context].filter((line) => typeof line === 'string' && line !== '');
  const description = about.length === 0 ? [] : [{ text: about.join('\n') }];
  if (typeof text === 'string') return [...description, { text }];
  if (typeof file_data === 'string')
    return [...description, { inlineData: inlineDataOf(file_data, `${param}.file_data`) }];
  if (typeof file_url === 'string' && isWebUrl(file_url)) {
    const mimeType = typeOfUrl(file_url) ?? 'application/pdf';
    return [...description, { fileData: { mimeType, fileUri: file_url } }];
  }
  unsupported.add(param, "Google's models take files with their content or their URL only");
  return [];
};

const audioPart = (audio: unknown, param: string): JsonObject => {
  const { data, format } = isObject(audio) ? audio : {};
  if (typeof data !== 'string') throw invalid(`${param}.data`, 'must be a text');
  if (typeof format !== 'string') throw invalid(`${param}.format`, 'must be a text');
  return { inlineData: { mimeType: `audio/${format}`, data } };
};
