import type { UnsupportedField } from '../operations/chat.ts';

/** Where a message of the pivot form came from. */
interface Place {
  readonly message: string;
  /** By part of its content. */
  readonly parts: readonly string[];
}

/** What reading a request gathers beside the pivot form. */
export interface Reading {
  readonly unsupported: UnsupportedField[];
  readonly unread: string[];
  /** Notes a field of the client that the pivot form has no place for, and its text. */
  lose(param: string, why: string, value: unknown, more?: Pick<UnsupportedField, 'is_light' | 'protocol_code'>): void;
  /** Notes where the next message of the pivot form came from. */
  place(message: string, parts?: readonly string[]): void;
  locate(param: string): string;
}

/** @param names what the client's protocol calls fields of the pivot form that have another name there */
export const createReading = (names: ReadonlyMap<string, string>): Reading => {
  const unsupported: UnsupportedField[] = [];
  const unread: string[] = [];
  const places: Place[] = [];
  return {
    unsupported,
    unread,
    lose: (param, why, value, more = {}) => {
      unsupported.push({ param, why, ...more });
      unread.push(JSON.stringify(value));
    },
    place: (message, parts = []) => {
      places.push({ message, parts });
    },
    locate: (param) => {
      const [, index, part] = MESSAGE.exec(param) ?? [];
      if (index !== undefined) {
        const place = places[Number(index)];
        return (part === undefined ? undefined : place?.parts[Number(part)]) ?? place?.message ?? param;
      }
      const [whole = param, name = ''] = /^(\w+)(?:\[\d+\])?/.exec(param) ?? [];
      return name === 'tools' ? whole : (names.get(name) ?? param);
    },
  };
};

const MESSAGE = /^messages\[(\d+)\](?:\.content\[(\d+)\])?/;
