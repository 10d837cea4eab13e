import type { SseEvent } from '../contract.ts';

/** An event as it stood on the wire, or as it would (WHATWG HTML, section 9.2.6). */
export const sseText = ({ event, data, raw }: SseEvent): string => {
  if (raw !== undefined) return raw;
  const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data;
  return event === '' ? `data: ${lines}\n\n` : `event: ${event}\ndata: ${lines}\n\n`;
};

/** An event with other data in the place of its own; what else stood in it stays. */
export const sseTextWith = (given: SseEvent, data: string): string => {
  const { raw } = given;
  if (given.data === data) return sseText(given);
  const at = raw === undefined ? -1 : raw.indexOf(given.data, raw.indexOf('data:'));
  // Data that stood in several lines stands nowhere in one piece.
  if (raw === undefined || at === -1) return sseText({ event: given.event, data });
  return raw.slice(0, at) + data + raw.slice(at + given.data.length);
};
