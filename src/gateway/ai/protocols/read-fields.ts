import type { Reading } from './reading.ts';

/** A request of the pivot form in the making. */
export type Fields = Record<string, unknown>;

/** Puts what one field means into the pivot form. */
export type Read = (value: unknown, chat: Fields, reading: Reading) => void;

/** How each field of a protocol is read. */
export type Readers = Readonly<Record<string, Read | undefined>>;

export const NOTHING_LIKE_IT = 'There is nothing like this field elsewhere';

/** A table of readers, without a prototype, so that a field named `constructor` finds nothing. */
export const createReaders = (readers: Readonly<Record<string, Read>>): Readers =>
  Object.assign(Object.create(null) as object, readers) as Readers;

/** Of a field that only has another name in the pivot form. */
export const as =
  (name: string): Read =>
  (value, chat) => {
    chat[name] = value;
  };

/** Reads one field; one that has no reader is lost. @param path the client's path of it */
export const readField = (
  readers: Readers,
  [field, path]: readonly [string, string],
  value: unknown,
  chat: Fields,
  reading: Reading,
): void => {
  const read = readers[field];
  if (read !== undefined) read(value, chat, reading);
  else reading.lose(path, NOTHING_LIKE_IT, value);
};

/**
 * Reads all fields but those that are read elsewhere. Null says nothing, as absence does.
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
