import type { QueryParameter, RouteResponse } from '../../http/route.ts';
import { TEXT } from '../../http/schemas.ts';

/** A parameter that counts leaves of the log. */
export const leafCount = (description: string) =>
  ({
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    description,
  }) as const satisfies QueryParameter;

/** A response that is a signed note. */
export const NOTE: RouteResponse = {
  description: 'A signed note (C2SP signed-note).',
  schema: TEXT,
  form: 'bare',
  content_types: ['text/plain'],
};
