import { type FieldFault, OneVaultError } from '../core/errors.ts';

/** Limit of reported faults of one request. */
export const MAX_FAULTS = 20;

/**
 * The error for invalid fields of a body.
 * @param faults at least one; faults beyond `MAX_FAULTS` are omitted
 */
export const invalidBody = (faults: readonly FieldFault[]): OneVaultError => {
  const [first] = faults;
  return new OneVaultError('validation_error', {
    faults: faults.slice(0, MAX_FAULTS),
    details: faults.slice(0, MAX_FAULTS).map(sentenceOf).join(' '),
    ...(first === undefined || first.path === '' ? {} : { param: paramOf(first.path) }),
  });
};

/** The error for one field of a body. @param field path in the body, `tiers[0].prices` */
export const invalidField = (field: string, code: string, message: string): OneVaultError =>
  new OneVaultError('validation_error', {
    param: field,
    details: message,
    reason: code,
    faults: [{ path: pointerOf(field), code, message }],
  });

/** The error for at least one invalid parameter of a query. */
export const invalidQuery = (faults: readonly FieldFault[]): OneVaultError =>
  new OneVaultError('invalid_request', {
    faults: faults.slice(0, MAX_FAULTS),
    details: faults.slice(0, MAX_FAULTS).map(sentenceOf).join(' '),
    param: faults[0]!.path.slice('query.'.length),
  });

/** The error for one parameter of a query. */
export const invalidParameter = (name: string, code: string, message: string): OneVaultError =>
  invalidQuery([{ path: `query.${name}`, code, message }]);

const sentenceOf = ({ message }: FieldFault): string => (message.endsWith('.') ? message : `${message}.`);

/** `/tiers/0/prices` as `tiers[0].prices`. */
const paramOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => {
      if (/^\d+$/.test(part)) return `${path}[${part}]`;
      return path === '' ? part : `${path}.${part}`;
    }, '');

/** `tiers[0].prices` as `/tiers/0/prices`. */
const pointerOf = (field: string): string =>
  `/${field
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
    .join('/')}`;
