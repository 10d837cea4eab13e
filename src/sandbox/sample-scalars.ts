import type { Json } from './call.ts';

const FORMATS: Readonly<Record<string, string | undefined>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  time: '00:00:00Z',
  duration: 'P1D',
  email: 'sandbox@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

// Tried in turn for a pattern; at least one of them fits most patterns that people write.
const WORDS = [
  'sandbox',
  'Sandbox',
  'SANDBOX',
  'a',
  'A',
  '1',
  '0',
  '2026-01-01',
  'sandbox-1',
  'sandbox_1',
  '12345',
  'USD',
  '+15550100',
  'sandbox@example.com',
  'https://example.com/',
  '#00ff00',
  '00:00',
  '1.0.0',
];
const LENGTH_MAX = 10_000;

/** A text that fits a schema. */
export const stringOf = ({ format, pattern, minLength, maxLength }: Json): string => {
  const text = (typeof format === 'string' ? FORMATS[format] : undefined) ?? fitting(pattern);
  const longest = Math.min(Number(maxLength ?? LENGTH_MAX), LENGTH_MAX);
  const shortest = Math.min(Number(minLength ?? 0), LENGTH_MAX);
  return text.padEnd(shortest, '.').slice(0, longest);
};

const fitting = (pattern: unknown): string => {
  if (typeof pattern !== 'string') return WORDS[0]!;
  try {
    const matcher = new RegExp(pattern, 'u');
    return WORDS.find((word) => matcher.test(word)) ?? WORDS[0]!;
  } catch {
    return WORDS[0]!;
  }
};

/** A number that fits a schema: its minimum, else the nearest number to one. */
export const numberOf = (schema: Json, whole: boolean): number => {
  const limit = (name: string, other: number): number => {
    const value = schema[name];
    return value === undefined || value === null || typeof value === 'boolean' ? other : Number(value);
  };
  const step = limit('multipleOf', whole ? 1 : 0);
  const above = limit('exclusiveMinimum', Number.NEGATIVE_INFINITY);
  const below = limit('exclusiveMaximum', Number.POSITIVE_INFINITY);
  const least = limit('minimum', Number.NEGATIVE_INFINITY);
  const most = limit('maximum', Number.POSITIVE_INFINITY);
  if (step > 0) {
    const first = Math.max(Math.ceil(least / step), Math.floor(above / step) + 1);
    const last = Math.min(Math.floor(most / step), Math.ceil(below / step) - 1);
    return (Number.isFinite(first) ? first : Math.min(Math.max(1, Math.ceil(1 / step)), last)) * step;
  }
  if (least > above) return least;
  if (Number.isFinite(above)) {
    const end = Math.min(most, below);
    return end > above + 1 ? above + 1 : (above + end) / 2;
  }
  return Math.min(1, most, below > 1 ? 1 : below - 1);
};

/** The value at `index` of a list of unique values. */
export const varied = (value: unknown, schema: Json, index: number): unknown => {
  if (Array.isArray(schema.enum)) return schema.enum[index] ?? value;
  if (typeof value === 'number') return value + index * Number(schema.multipleOf ?? 1);
  return typeof value === 'string' && index > 0 ? `${value}${index}` : value;
};
