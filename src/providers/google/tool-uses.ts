import type { ToolUses } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';

/**
 * What of a reply's candidates Google charges for by use. Models before Gemini 3 cost the same however often they
 * searched for one reply; later ones are charged for each search
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
  const is_by_reply = /^gemini-[12]\b/.test(String(model));
  return {
    ...(searches === 0 ? {} : { web_search: is_by_reply ? 1 : searches }),
    ...(maps === 0 ? {} : { maps_search: maps }),
  };
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
