/**
 * The percentile of values in ascending order, by nearest rank (ISO 3534-1); NaN without values.
 * @param percent above 0, at most 100
 */
export const percentile = (sorted: ArrayLike<number>, percent: number): number => {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
};

/** A figure rounded to so many decimals. */
export const rounded = (value: number, decimals = 2): number => Number(value.toFixed(decimals));
