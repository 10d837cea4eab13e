import type { Reading } from './reading.ts';

/** A request of the pivot form, under construction. */
export type Fields = Record<string, unknown>;

/** Converts one field to the pivot form. */
export type Read = (value: unknown, chat: Fields, reading: Reading) => void;

/** Readers of a protocol's fields, by name. */
export type Readers = Readonly<Record<string, Read | undefined>>;

export const NOTHING_LIKE_IT = 'Other providers have no such field';

/** Creates a table of readers without a prototype: a field named `constructor` has no reader. */
export const createReaders = (readers: Readonly<Record<string, Read>>): Readers =>
  Object.assign(Object.create(null) as object, readers) as Readers;

/** Reader of a field that only has another name in the pivot form. */
export const as =
  (name: string): Read =>
  (value, chat) => {
    chat[name] = value;
  };

/**
 * Reads one field. A field without a reader is unsupported.
 * @param path the client's path of the field
 */
export const readField = (
  readers: Readers,
  [field, path]: readonly [string, string],
  value: unknown,
  chat: Fields,
  reading: Reading,
): void => {
  const read = readers[field];
  if (read !== undefined) read(value, chat, reading);
  else reading.addUnsupported(path, NOTHING_LIKE_IT, value);
};

/**
 * Reads all fields except `elsewhere`. Null counts as absent.
 * @param prefix of the client's paths, with its dot
 */
export const readFields = (
  given: object,
  { readers, elsewhere, prefix = '' }: ReadPlan,
  chat: Fields,
  reading: Reading,
): void => {
  for (const [field, value] of Object.entries(given)) {
    if (elsewhere.has(field) || value === undefined || value === null) continue;
    readField(readers, [field, prefix + field], value, chat, reading);
  }
};

interface ReadPlan {
  readonly readers: Readers;
  readonly elsewhere: ReadonlySet<string>;
  readonly prefix?: string;
}
