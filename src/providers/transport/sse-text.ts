import type { SseEvent } from '../contract.ts';

/** The original text of an event, or its text in the standard form (WHATWG HTML, section 9.2.6). */
export const sseText = ({ event, data, raw }: SseEvent): string => {
  if (raw !== undefined) return raw;
  const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data;
  return event === '' ? `data: ${lines}\n\n` : `event: ${event}\ndata: ${lines}\n\n`;
};

/** The text of an event with other data; its other lines stay unchanged. */
export const sseTextWith = (given: SseEvent, data: string): string => {
  const { raw } = given;
  if (given.data === data) return sseText(given);
  const at = raw === undefined ? -1 : raw.indexOf(given.data, raw.indexOf('data:'));
  // Data of several lines does not occur in the text as one piece.
  if (raw === undefined || at === -1) return sseText({ event: given.event, data });
  return raw.slice(0, at) + data + raw.slice(at + given.data.length);
};
