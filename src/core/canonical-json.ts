// PostgreSQL parses JSON recursively. This limit is far below its stack limit and far above any real record.
const DEPTH_LIMIT = 64;

/**
 * Canonical JSON text of a value, which both TypeScript and PostgreSQL can write: RFC 8785 (keys in the order of
 * their UTF-16 code units, no white space), with safe integers as the only numbers.
 * @param field name of the value in error messages
 * @throws TypeError or RangeError that names the place: not JSON, NUL, lone surrogate, other number, too deep
 */
export const canonicalJson = (value: unknown, field: string): string => {
  const text = writeFast(value, 0);
  return text === null || SUSPICIOUS.test(text) ? write(value, field, 0) : text;
};

// JSON.stringify escapes NUL and lone surrogates like this; a backslash before `u0000` in valid text looks the same.
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/;

/**
 * The text without checks inside strings, or null on a fault. Building paths for error messages would double the cost.
 */
const writeFast = (value: unknown, depth: number): string | null => {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : String(value);
  if (typeof value !== 'object' || depth >= DEPTH_LIMIT) return null;
  let text = '';
  if (Array.isArray(value)) {
    for (const element of value as unknown[]) {
      const written = writeFast(element, depth + 1);
      if (written === null) return null;
      text += text === '' ? written : `,${written}`;
    }
    return `[${text}]`;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return null;
  for (const key of Object.keys(value).sort()) {
    const member: unknown = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const written = writeFast(member, depth + 1);
    if (written === null) return null;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${written}`;
  }
  return `{${text}}`;
};

const write = (value: unknown, path: string, depth: number): string => {
  if (depth > DEPTH_LIMIT) throw new RangeError(`${path} is nested deeper than ${DEPTH_LIMIT} levels`);
  switch (typeof value) {
    case 'string':
      return writeString(value, path);
    case 'number':
      if (!Number.isSafeInteger(value)) {
        throw new RangeError(`${path} must be a safe integer (write decimals as strings), not ${value}`);
      }
      return value === 0 ? '0' : String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? writeArray(value, path, depth) : writeObject(value, path, depth);
    default:
      throw new TypeError(`${path} has the type ${typeof value}, which JSON does not support`);
  }
};

const writeString = (text: string, path: string): string => {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new RangeError(`${path} holds a NUL character or a lone surrogate`);
  }
  return JSON.stringify(text);
};

const writeArray = (values: readonly unknown[], path: string, depth: number): string => {
  let text = '[';
  for (let at = 0; at < values.length; at++) {
    if (at > 0) text += ',';
    text += write(values[at], `${path}[${at}]`, depth + 1);
  }
  return `${text}]`;
};

const writeObject = (value: object, path: string, depth: number): string => {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`${path} holds an object that is not plain JSON`);
  }
  let text = '{';
  // The default sort compares UTF-16 code units, as RFC 8785 section 3.2.3 requires.
  for (const key of Object.keys(value).sort()) {
    const member: unknown = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    if (text !== '{') text += ',';
    text += `${writeString(key, path)}:${write(member, `${path}.${key}`, depth + 1)}`;
  }
  return `${text}}`;
};
