// Limit of stored raw frames: about 5,000 frames of one token, so that a normal stream is never parsed.
const FRAMES_MAX_CHARS = 1_048_576;

// Half a million tokens: more than any model writes in one response, so only a faulty provider reaches it.
const TEXT_MAX_CHARS = 2_097_152;

/** Output of a stream so far. It is parsed only if it is needed. */
export interface TextLog {
  add(frame: string): void;
  text(): string;
}

/**
 * Stores frames and parses them when the text is requested, or when their number exceeds a limit. Text beyond 2 Mi
 * characters is dropped.
 * @param textOf returns the text of a frame
 */
export const createTextLog = (textOf: (frame: string) => string): TextLog => {
  let frames: string[] = [];
  let frames_chars = 0;
  let text = '';
  const settle = (): void => {
    if (text.length < TEXT_MAX_CHARS) text += frames.map(textOf).join('');
    frames = [];
    frames_chars = 0;
  };
  return {
    add: (frame) => {
      if (frame === '') return;
      frames.push(frame);
      frames_chars += frame.length;
      if (frames_chars > FRAMES_MAX_CHARS) settle();
    },
    text: () => {
      settle();
      return text;
    },
  };
};
