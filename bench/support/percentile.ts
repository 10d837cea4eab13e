/**
 * The percentile of values sorted ascending, by nearest rank (ISO 3534-1); NaN where there are none.
 * @param percent above 0, at most 100
 */
export const percentile = (sorted: ArrayLike<number>, percent: number): number => {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
};

/** A figure with so many decimals, two unless told, as JSON shows it. */
export const rounded = (value: number, decimals = 2): number => Number(value.toFixed(decimals));
