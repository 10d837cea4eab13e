// Longer than any word, number or key that a person writes.
const RUN_MIN_CHARS = 1_024;
// Every run of the least length crosses at least one of these places.
const PROBE_EVERY = RUN_MIN_CHARS / 2;

// RFC 4648, sections 4 and 5, without the padding.
const BASE64 = Uint8Array.from({ length: 128 }, (_, code) => (/[\w+/-]/.test(String.fromCharCode(code)) ? 1 : 0));

const isBase64 = (code: number): boolean => code < 128 && BASE64[code] === 1;

/**
 * A text without its runs of at least 1,024 base64 characters, such as files inside JSON; a space stands for each.
 * Prose is probed at every 512th character only.
 */
export const withoutBase64 = (text: string): string => {
  const pieces: string[] = [];
  let kept = 0;
  for (let probe = PROBE_EVERY - 1; probe < text.length; probe += PROBE_EVERY) {
    if (!isBase64(text.charCodeAt(probe))) continue;
    let start = probe;
    while (start > kept && isBase64(text.charCodeAt(start - 1))) start -= 1;
    let end = probe + 1;
    while (isBase64(text.charCodeAt(end))) end += 1;
    if (end - start >= RUN_MIN_CHARS) {
      pieces.push(text.slice(kept, start));
      kept = end;
    }
    while (probe + PROBE_EVERY < end) probe += PROBE_EVERY;
  }
  if (kept === 0) return text;
  pieces.push(text.slice(kept));
  return pieces.join(' ');
};
