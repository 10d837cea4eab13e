import { instantOf } from '../../core/clock.ts';
import { picoFromUsd, usdFromPico } from '../../core/money.ts';
import { invalidField } from '../../http/faults.ts';
import type { Schema } from '../../http/route.ts';

/** Form of a field in JSON that differs from its column's. Null is null in both. */
export interface Codec {
  /** Schema of a value in a body. */
  readonly schema: Schema;
  /** Schema of a value in a response; by default the same. */
  readonly shown?: Schema;
  /** @throws OneVaultError validation_error that names the field */
  toColumn(value: unknown, field: string): unknown;
  fromColumn(value: unknown): unknown;
}

/** US dollars in JSON, pico-dollars in the column. */
export const USD: Codec = {
  schema: {
    description: 'US dollars, at most 12 decimals.',
    anyOf: [
      { type: 'number', minimum: 0, maximum: 1_000_000_000 },
      { type: 'string', pattern: '^\\d{1,9}(\\.\\d{1,12})?$' },
    ],
  },
  shown: { type: 'string', description: 'US dollars.', pattern: '^\\d+(\\.\\d{1,12})?$' },
  toColumn: (value, field) => {
    try {
      return picoFromUsd(value as number | string).toString();
    } catch (cause) {
      throw invalidField(field, 'format', `${field}: ${(cause as Error).message}`);
    }
  },
  fromColumn: (pico) => usdFromPico(BigInt(pico as string)),
};

const LATEST_MS = Date.UTC(9999, 11, 31);

/** An instant in any time zone in a body, in UTC everywhere else. */
export const INSTANT: Codec = {
  schema: { type: 'string', format: 'date-time', maxLength: 40 },
  shown: { type: 'string', format: 'date-time' },
  toColumn: (value, field) => {
    const epoch_ms = Date.parse(String(value));
    if (epoch_ms >= 0 && epoch_ms < LATEST_MS) return instantOf(epoch_ms);
    throw invalidField(field, 'format', `${field} is an instant from 1970 to 9999, as 2027-01-31T00:00:00Z.`);
  },
  fromColumn: (value) => value,
};
