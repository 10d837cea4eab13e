/** Source of the current time. All code that stamps instants takes one, so that replays and tests are exact. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/**
 * A clock that stays at `instant` (ISO 8601) until `advance` moves it (milliseconds).
 * @internal Tests alone use it.
 */
export const fixedClock = (instant: string): Clock & { advance(by_ms: number): void } => {
  let now_ms = Date.parse(instant);
  return {
    now: () => now_ms,
    advance: (by_ms) => {
      now_ms += by_ms;
    },
  };
};

let last_second = Number.NaN;
let last_text = '';

/**
 * An instant as text: ISO 8601, UTC, `Z`. The text of the last second is cached, because most calls share it.
 * @throws RangeError if `epoch_ms` is not a valid time
 */
export const instantOf = (epoch_ms: number): string => {
  const time_ms = Math.trunc(epoch_ms);
  const second = Math.floor(time_ms / 1_000);
  if (second !== last_second) {
    last_text = new Date(time_ms).toISOString().slice(0, -'000Z'.length);
    last_second = second;
  }
  return `${last_text}${String(time_ms - second * 1_000).padStart(3, '0')}Z`;
};

const SECOND_LENGTH = 'YYYY-MM-DDTHH:MM:SS'.length;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/;

/** True if `text` is an instant as this product writes it: ISO 8601, UTC, at most microseconds. */
export const isInstant = (text: string): boolean => {
  const epoch_ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  // JavaScript parses February 30 as March 2.
  return !Number.isNaN(epoch_ms) && instantOf(epoch_ms).startsWith(text.slice(0, SECOND_LENGTH));
};
