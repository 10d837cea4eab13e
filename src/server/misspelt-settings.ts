import type { Environment } from './read-settings.ts';
import { FAMILY_SETTINGS, SETTINGS } from './settings.ts';

// A name with two wrong letters is still recognisable; a name shorter than eight letters may be another one.
const TYPO_DISTANCE = 2;
const TYPO_MIN_LENGTH = 8;

/** A fault for each variable that resembles a setting: misspelt, or with the product's prefix. */
export const findMisspelt = (env: Environment): string[] => {
  const known = Object.keys(SETTINGS);
  const family = Object.keys(FAMILY_SETTINGS);
  const faults: string[] = [];
  for (const name of Object.keys(env)) {
    if (known.includes(name) || family.includes(name)) continue;
    const nearest = [...known, ...family.filter((each) => isOfSameProvider(each, name))]
      .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
      .reduce((best, each) => (each.distance < best.distance ? each : best));
    const is_near = name.length >= TYPO_MIN_LENGTH && nearest.distance <= TYPO_DISTANCE;
    if (is_near || name.startsWith('ONEVAULT_')) {
      faults.push(`${name}: no such variable; did you mean ${nearest.candidate}?`);
    }
  }
  return faults;
};

/** ZAI_API_KEY belongs to another provider and is not a misspelt XAI_API_KEY: provider names are short and similar. */
const isOfSameProvider = (variable: string, name: string): boolean =>
  name.startsWith(variable.replace(/(?:API_KEY|BASE_URL)$/, ''));

/** Levenshtein's distance. */
const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substituted));
    }
    previous = current;
  }
  return previous[b.length]!;
};
