import type { ToolUses } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';

/**
 * Tool uses of a response's candidates that Google charges. For models before Gemini 3 a response costs the same
 * however often it searched; for later ones each search is charged
 * (https://ai.google.dev/gemini-api/docs/google-search).
 */
export const toolUsesIn = (candidates: readonly JsonObject[], model: unknown): ToolUses => {
  let [searches, maps] = [0, 0];
  for (const { groundingMetadata } of candidates) {
    if (!isObject(groundingMetadata)) continue;
    const { webSearchQueries, groundingChunks, googleMapsWidgetContextToken } = groundingMetadata;
    const chunks = listOf(groundingChunks).filter(isObject);
    const queries = listOf(webSearchQueries).length;
    if (queries > 0 || chunks.some(({ web }) => isObject(web))) searches += Math.max(1, queries);
    if (googleMapsWidgetContextToken !== undefined || chunks.some((chunk) => isObject(chunk.maps))) maps += 1;
  }
  const is_per_response = /^gemini-[12]\b/.test(String(model));
  return {
    ...(searches === 0 ? {} : { web_search: is_per_response ? 1 : searches }),
    ...(maps === 0 ? {} : { maps_search: maps }),
  };
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
