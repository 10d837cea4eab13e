import type { Clock } from '../../core/clock.ts';
import type { OneVaultError } from '../../core/errors.ts';
import { isObject } from '../json.ts';
import { refusalError } from '../reply-error.ts';

/** What an error within a stream means for the client. */
export const errorOfFrame = (error: unknown, clock: Clock): OneVaultError => {
  const given = isObject(error) ? error : { message: error };
  const status = Number(given.status ?? given.code);
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
