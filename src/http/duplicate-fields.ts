import type { FieldFault } from '../core/errors.ts';

/** Position of the scan: in an object with its names so far, or at an index of an array. */
interface Level {
  readonly path: string;
  readonly names: Set<string> | null;
  index: number;
  name: string | null;
}

/**
 * The duplicate fields within an object of a JSON text. RFC 8259, section 4, leaves open which one counts, so that two
 * parsers may read different values.
 * @param text valid JSON
 */
export const duplicateFields = (text: string): FieldFault[] => {
  const faults: FieldFault[] = [];
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1);
    switch (text[at]) {
      case '{':
      case '[':
        levels.push({ path: childPath(level), names: text[at] === '{' ? new Set() : null, index: 0, name: null });
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        if (level!.names === null) level!.index += 1;
        else level!.name = null;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (level !== undefined && level.names !== null && level.name === null) {
          level.name = JSON.parse(text.slice(at, end + 1)) as string;
          if (level.names.has(level.name)) faults.push(faultAt(childPath(level), level.name));
          level.names.add(level.name);
        }
        at = end;
        break;
      }
      default:
    }
  }
  return faults;
};

const childPath = (level: Level | undefined): string => {
  if (level === undefined) return '';
  const part = level.names === null ? String(level.index) : (level.name ?? '');
  return `${level.path}/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`;
};

const faultAt = (path: string, name: string): FieldFault => ({
  path,
  code: 'duplicate',
  message: `${name.slice(0, 100)} stands twice: say it once.`,
});

/** @param from position of the opening quote */
const endOfString = (text: string, from: number): number => {
  for (let at = from + 1; ; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
};
