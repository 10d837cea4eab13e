import { OneVaultError } from '../../core/errors.ts';

// Far above the depth of any request; recursive code fails at about 5,000.
const DEPTH_MAX = 500;
// A list of 300,000 tokens is the longest that a provider takes.
const VALUES_MAX = 500_000;
// A prompt of a million tokens in messages of ten tokens. Objects cost the event loop ten times what numbers cost.
const CONTAINERS_MAX = 300_000;

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];

/**
 * Counts the levels and values of a JSON text without parsing it, so that a text that would cost much time is refused
 * first. It takes any text: a text that is not JSON is left to the parser.
 * @throws OneVaultError invalid_request
 */
export const surveyJson = (text: string): void => {
  if (text.length < 2 * DEPTH_MAX) return;
  let [depth, containers, values] = [0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at === -1) return;
    } else if (code === COMMA) {
      values += 1;
    } else if ((code & 0xdf) === 0x5b) {
      // The brackets and braces: 0x5b, 0x7b, 0x5d, 0x7d.
      depth += 1;
      containers += 1;
      if (depth > DEPTH_MAX) throw tooMany(`nests more than ${DEPTH_MAX} levels deep. Nest it less deeply`);
    } else if ((code & 0xdf) === 0x5d) {
      depth -= 1;
    }
  }
  if (containers > CONTAINERS_MAX) {
    throw tooMany(`has more than ${CONTAINERS_MAX} objects and lists. Split the request`);
  }
  if (values > VALUES_MAX) throw tooMany(`has more than ${VALUES_MAX} values. Split the request`);
};

/** @param from position of the opening quote @returns position of the closing quote; -1 without one */
const endOfString = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = at - 1;
    while (text.charCodeAt(escapes) === BACKSLASH) escapes -= 1;
    if ((at - escapes) % 2 === 1) return at;
  }
  return -1;
};

const tooMany = (fault: string): OneVaultError =>
  new OneVaultError('invalid_request', { details: `The JSON ${fault}.` });
