// `YYYY-MM-DDTHH:MM:SS.mmmZ`, the form in which nearly every instant comes.
const MILLISECOND_INSTANT_LENGTH = 24;
const MICROSECOND_INSTANT_LENGTH = 27;

/** An instant of the vault (ISO 8601, UTC, `Z`, at most six decimals) with exactly six: comparable as text. */
export const microInstant = (text: string): string => {
  if (text.length === MILLISECOND_INSTANT_LENGTH) return `${text.slice(0, -1)}000Z`;
  if (text.length === MICROSECOND_INSTANT_LENGTH) return text;
  return `${text.slice(0, 19)}.${text.slice(20, -1).padEnd(6, '0')}Z`;
};
