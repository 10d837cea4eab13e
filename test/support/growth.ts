import assert from 'node:assert/strict';

// The fastest run counts, because a run can only be slowed down, for example by a garbage collection.
const ROUNDS = 5;
const MEASURED_MIN_MS = 40;
const FACTOR = 8;
// Linear growth takes 8 times the time, quadratic growth 64 times.
const RATIO_MAX = 24;

/**
 * Asserts that the time of a run grows about linearly with its size. Both sizes are measured in the same process, so
 * that the machine's speed cancels out, and as processor time of this thread, so that other processes do not count.
 * @returns the result of the last run with the full size
 */
export const assertLinearTime = async <T>(run: (size: number) => T | Promise<T>, size: number): Promise<T> => {
  const small = Math.ceil(size / FACTOR);
  // The first run also loads and compiles code.
  await run(small);
  let [small_ms, full_ms] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round += 1) {
    small_ms = Math.min(small_ms, (await timed(run, small)).took_ms);
    const { result, took_ms } = await timed(run, size);
    full_ms = Math.min(full_ms, took_ms);
    if (full_ms <= small_ms * RATIO_MAX) return result;
  }
  assert.fail(`size ${size} took ${full_ms} ms and size ${small} ${small_ms} ms: the growth is more than linear`);
};

/** Repeats a run until its processor time exceeds the kernel's clock tick of up to 10 ms by far. */
const timed = async <T>(
  run: (size: number) => T | Promise<T>,
  size: number,
): Promise<{ readonly result: T; readonly took_ms: number }> => {
  const before = process.threadCpuUsage();
  for (let runs = 1; ; runs += 1) {
    const result = await run(size);
    const { user, system } = process.threadCpuUsage(before);
    const cpu_ms = (user + system) / 1_000;
    if (cpu_ms >= MEASURED_MIN_MS) return { result, took_ms: cpu_ms / runs };
  }
};
