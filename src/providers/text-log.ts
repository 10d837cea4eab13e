// Unread frames kept as they came: about 5,000 frames of one token, so that a usual stream is never parsed.
const FRAMES_MAX_CHARS = 1_048_576;

// Half a million tokens: beyond what any model writes in one reply, so only a runaway provider meets it.
const TEXT_MAX_CHARS = 2_097_152;

/** What a stream has produced so far, kept so that reading it costs nothing until someone asks. */
export interface TextLog {
  add(frame: string): void;
  text(): string;
}

/**
 * Keeps frames and reads their text when asked, or when too many have gathered. Past 2 Mi characters of text
 * nothing more is kept.
 * @param textOf the text that a frame holds
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
