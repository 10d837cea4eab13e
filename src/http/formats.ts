import type { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { isInstant } from '../core/clock.ts';
import type { QueryParameter, Schema } from './route.ts';

/** An instant as the product writes it: ISO 8601, UTC, at most microseconds, from the year 1 to 9999. */
export const INSTANT_SCHEMA = { type: 'string', format: 'instant' } as const;

/** A parameter that is an instant in UTC. */
export const instantParameter = (description: string) =>
  ({ schema: INSTANT_SCHEMA, description }) as const satisfies QueryParameter;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Adds the formats of JSON Schema and our own, `instant` and `day`, to a validator. */
export const addOwnFormats = (ajv: Ajv2020): void => {
  addFormats.default(ajv);
  ajv.addFormat('instant', (text: string) => isInstant(text) && !text.startsWith('0000'));
  ajv.addFormat('day', (text: string) => DAY.test(text) && isInstant(`${text}T00:00:00Z`) && !text.startsWith('0000'));
};

/** Our own formats in standard terms, for documents that others read. */
export const STANDARD_FORMATS: Readonly<Record<string, Schema>> = {
  instant: { format: 'date-time' },
  day: { format: 'date' },
};
