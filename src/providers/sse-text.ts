import type { SseEvent } from './contract.ts';

/** An event as it stands on the wire (WHATWG HTML, section 9.2.6). */
export const sseText = ({ event, data }: SseEvent): string => {
  const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data;
  return event === '' ? `data: ${lines}\n\n` : `event: ${event}\ndata: ${lines}\n\n`;
};
