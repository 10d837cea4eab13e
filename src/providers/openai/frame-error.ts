import type { Clock } from '../../core/clock.ts';
import type { OneVaultError } from '../../core/errors.ts';
import { isObject } from '../json.ts';
import { refusalError } from '../response-error.ts';

/** The client's error for an error within a stream. */
export const errorOfFrame = (error: unknown, clock: Clock): OneVaultError => {
  const given = isObject(error) ? error : { message: error };
  const status = Number(STATUS_OF_CODE.get(given.code) ?? given.status ?? given.code);
  return refusalError(
    {
      status: Number.isInteger(status) && status >= 400 && status < 600 ? status : 500,
      headers: {},
      message: typeof given.message === 'string' ? given.message : '',
    },
    null,
    clock,
  );
};

/** HTTP statuses of error codes that occur after the status was sent. */
const STATUS_OF_CODE: ReadonlyMap<unknown, number> = new Map([
  ['rate_limit_exceeded', 429],
  ['invalid_prompt', 400],
]);
