import type { JsonObject } from '../../../providers/chat-form.ts';
import { isObject } from '../../../providers/json.ts';

/** An event of the provider, as far as the gateway reads it. */
export type ProviderEvent =
  | { readonly kind: 'created' | 'done'; readonly response_id: string; readonly response: JsonObject }
  /** `event_id` of the client's event that caused the error; null if none is named. */
  | { readonly kind: 'error'; readonly event_id: string | null }
  | { readonly kind: 'text'; readonly response_id: string; readonly text: string }
  | { readonly kind: 'audio'; readonly response_id: string; readonly byte_count: number }
  | { readonly kind: 'other' };

const OTHER: ProviderEvent = { kind: 'other' };
const AUDIO: ReadonlySet<unknown> = new Set(['response.output_audio.delta', 'response.audio.delta']);

/** @param text a text message, which may have any form */
export const readProviderEvent = (text: string): ProviderEvent => {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return OTHER;
  }
  if (!isObject(event)) return OTHER;
  const { type, response, error } = event;
  if (type === 'response.created' || type === 'response.done') {
    const fields = isObject(response) ? response : {};
    const kind = type === 'response.done' ? 'done' : 'created';
    return { kind, response_id: textOf(fields.id), response: fields };
  }
  if (type === 'error') {
    const event_id = isObject(error) ? error.event_id : null;
    return { kind: 'error', event_id: typeof event_id === 'string' ? event_id : null };
  }
  if (typeof type !== 'string' || !type.startsWith('response.') || !type.endsWith('.delta')) return OTHER;
  const [response_id, delta] = [textOf(event.response_id), textOf(event.delta)];
  if (AUDIO.has(type)) return { kind: 'audio', response_id, byte_count: Math.floor((delta.length * 3) / 4) };
  return { kind: 'text', response_id, text: delta };
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
