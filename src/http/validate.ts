import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { OneVaultError } from '../core/errors.ts';

/** Checks a value against a JSON Schema and returns it typed. */
export type Validate<T> = (value: unknown) => T;

/**
 * A validator of request bodies.
 * @returns a function that throws OneVaultError `invalid_request` with the path of the first fault in `param`
 */
export const createValidator = <T>(schema: object): Validate<T> => {
  const ajv = new Ajv2020({ allowUnionTypes: true, strict: true, verbose: true });
  addFormats.default(ajv);
  const check: ValidateFunction<T> = ajv.compile<T>(schema);
  return (value) => {
    if (check(value)) return value;
    throw invalid(check.errors?.[0]);
  };
};

const invalid = (fault: ErrorObject | undefined): OneVaultError => {
  const path = fieldPath(fault);
  const details = `${path === '' ? 'The body' : path} ${faultText(fault)}.`;
  return new OneVaultError('invalid_request', { details, ...(path === '' ? {} : { param: path }) });
};

/** The fault as text, where the library's own message is unclear or lacks the valid values. */
const faultText = (fault: ErrorObject | undefined): string => {
  switch (fault?.keyword) {
    case 'required':
      return 'is missing';
    case 'additionalProperties':
      return `is not a field; there are: ${Object.keys(fault.parentSchema?.properties ?? {}).join(', ')}`;
    case 'minProperties':
      return `must have at least ${fault.params.limit} of its fields`;
    case 'enum':
      return `${fault.message}: ${(fault.params.allowedValues as unknown[]).join(', ')}`;
    default:
      return fault?.message ?? 'is not valid';
  }
};

/** `/messages/0/content` as `messages[0].content`, followed by the field that is missing or not allowed. */
const fieldPath = (fault: ErrorObject | undefined): string => {
  if (fault === undefined) return '';
  const extra = fault.params.missingProperty ?? fault.params.additionalProperty;
  const parts = fault.instancePath.split('/').slice(1);
  if (typeof extra === 'string') parts.push(extra);
  return parts.reduce((path, part) => {
    if (/^\d+$/.test(part)) return `${path}[${part}]`;
    return path === '' ? part : `${path}.${part}`;
  }, '');
};
