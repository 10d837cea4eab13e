/** Where the time comes from. Everything that stamps an instant takes one, so that replays and tests are exact. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands still at `instant` (ISO 8601) until moved by `advance` (milliseconds). */
export const fixedClock = (instant: string): Clock & { advance(by_ms: number): void } => {
  let now_ms = Date.parse(instant);
  return {
    now: () => now_ms,
    advance: (by_ms) => {
      now_ms += by_ms;
    },
  };
};

/** An instant as text: ISO 8601, UTC, `Z`. */
export const instantOf = (epoch_ms: number): string => new Date(epoch_ms).toISOString();

const SECOND_LENGTH = 'YYYY-MM-DDTHH:MM:SS'.length;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/;

/** Whether `text` is an instant as this product writes it: ISO 8601, UTC, at most microseconds. */
export const isInstant = (text: string): boolean => {
  const epoch_ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  // JavaScript takes February 30 for March 2.
  return !Number.isNaN(epoch_ms) && instantOf(epoch_ms).startsWith(text.slice(0, SECOND_LENGTH));
};
