import { invalid } from '../invalid.ts';

const DATA_URL_HEAD = /^data:([^;,]*)((?:;[^;,]*)*),/;
const WEB_URL = /^https?:\/\//i;

/** Media types by the extension of a URL's path, because Google requires the type with each URL. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['html', 'text/html'],
  ['csv', 'text/csv'],
]);

export const isWebUrl = (url: string): boolean => WEB_URL.test(url) && URL.canParse(url);

/** The media type; null if the URL does not show it. */
export const typeOfUrl = (url: string): string | null => {
  const [, extension] = /\.(\w+)$/.exec(new URL(url).pathname) ?? [];
  return TYPES.get(extension?.toLowerCase() ?? '') ?? null;
};

/** The parts of a base64 data URL (RFC 2397). @throws OneVaultError invalid_request */
export const inlineDataOf = (url: string, param: string): { readonly mimeType: string; readonly data: string } => {
  const head = DATA_URL_HEAD.exec(url);
  if (head === null || !head[2]!.split(';').includes('base64')) {
    throw invalid(param, 'must be an http(s) URL or a base64 data URL');
  }
  const type = head[1]!.toLowerCase();
  return { mimeType: type === 'image/jpg' ? 'image/jpeg' : type, data: url.slice(head[0].length) };
};
