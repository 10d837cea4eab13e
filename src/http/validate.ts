import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type FieldFault, OneVaultError } from '../core/errors.ts';
import { addOwnFormats } from './formats.ts';

/** Checks a value against a JSON Schema and returns it typed. */
export type Validate<T> = (value: unknown) => T;

/**
 * A validator of the gateway's request bodies.
 * @returns a function that throws OneVaultError `invalid_request` with the path of the first fault in `param`
 */
export const createValidator = <T>(schema: object): Validate<T> => {
  const check = compile<T>(schema, false);
  return (value) => {
    if (check(value)) return value;
    throw invalid(check.errors?.[0]);
  };
};

/** All faults of a value; empty for a valid value. */
export type FindFaults = (value: unknown) => FieldFault[];

/** @returns a function that returns every fault with a JSON Pointer, one for each place */
export const createFaultFinder = (schema: object): FindFaults => {
  // Compiled for its first value: a start would compile hundreds, and a test compiles all of the API.
  let compiled: ValidateFunction | null = null;
  return (value) => {
    compiled ??= compile(schema, true);
    const check = compiled;
    if (check(value)) return [];
    const places = new Map<string, FieldFault>();
    for (const fault of (check.errors ?? []).filter(isOwn)) {
      const path = pointerOf(fault);
      if (!places.has(path)) places.set(path, { path, code: codeOf(fault), message: messageOf(fault) });
    }
    // Faults below a place explain it; the fault that no alternative matches adds nothing.
    return [...places.values()].filter(({ path, code }) => code !== 'any_of' || !hasDeeper(places, path));
  };
};

const compile = <T>(schema: object, all: boolean): ValidateFunction<T> => {
  // Each instance would compile the meta-schema: 30 ms a schema, 2 s a start. A test checks all schemas against it.
  const ajv = new Ajv2020({
    allowUnionTypes: true,
    strict: true,
    verbose: true,
    allErrors: all,
    validateSchema: false,
  });
  addOwnFormats(ajv);
  return ajv.compile<T>(schema);
};

// Each branch of an anyOf reports its own faults; the fault of the keyword itself is enough.
const isOwn = ({ schemaPath }: ErrorObject): boolean => !/\/(anyOf|oneOf)\/\d+\//.test(schemaPath);

const hasDeeper = (places: ReadonlyMap<string, FieldFault>, path: string): boolean =>
  [...places.keys()].some((other) => other.startsWith(`${path}/`));

const CODES: Readonly<Record<string, string>> = {
  additionalProperties: 'unknown_field',
  unevaluatedProperties: 'unknown_field',
  required: 'required',
  type: 'type',
  enum: 'not_allowed',
  const: 'not_allowed',
  not: 'not_allowed',
  maxLength: 'too_long',
  minLength: 'too_short',
  maximum: 'too_large',
  minimum: 'too_small',
  maxItems: 'too_many',
  minItems: 'too_few',
  minProperties: 'too_few',
  uniqueItems: 'duplicate',
  pattern: 'pattern',
  format: 'format',
  anyOf: 'any_of',
};

const codeOf = ({ keyword }: ErrorObject): string =>
  CODES[keyword] ?? keyword.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const messageOf = (fault: ErrorObject): string => {
  const path = fieldPath(fault);
  return `${path === '' ? 'The body' : path} ${faultText(fault)}.`;
};

const invalid = (fault: ErrorObject | undefined): OneVaultError => {
  const path = fieldPath(fault);
  const details = `${path === '' ? 'The body' : path} ${faultText(fault)}.`;
  return new OneVaultError('invalid_request', { details, ...(path === '' ? {} : { param: path }) });
};

const FORMATS: Readonly<Record<string, string>> = {
  instant: 'is one instant in UTC, as 2026-11-21T10:05:00Z, with at most six decimals',
  day: 'is a day, as 2026-11-21',
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
    case 'format':
      return FORMATS[fault.params.format as string] ?? fault.message ?? 'is not valid';
    default:
      return fault?.message ?? 'is not valid';
  }
};

/** `/messages/0/content` as `messages[0].content`, followed by the field that is missing or not allowed. */
const fieldPath = (fault: ErrorObject | undefined): string =>
  partsOf(fault).reduce((path, part) => {
    if (/^\d+$/.test(part)) return `${path}[${part}]`;
    return path === '' ? part : `${path}.${part}`;
  }, '');

const pointerOf = (fault: ErrorObject): string =>
  partsOf(fault)
    .map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');

const partsOf = (fault: ErrorObject | undefined): string[] => {
  if (fault === undefined) return [];
  const extra = fault.params.missingProperty ?? fault.params.additionalProperty;
  const parts = fault.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return typeof extra === 'string' ? [...parts, extra] : parts;
};
