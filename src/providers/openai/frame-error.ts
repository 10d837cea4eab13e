import type { Clock } from '../../core/clock.ts';
import type { OneVaultError } from '../../core/errors.ts';
import { isObject } from '../json.ts';
import { refusalError } from '../response-error.ts';

/** What an error within a stream means for the client. */
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

/** Codes that stand in the place of a status where it was sent before the error was known. */
const STATUS_OF_CODE: ReadonlyMap<unknown, number> = new Map([
  ['rate_limit_exceeded', 429],
  ['invalid_prompt', 400],
]);
