import type { UnsupportedField } from '../operations/chat.ts';

/** Source paths of a message of the pivot form. */
interface SourcePaths {
  readonly message: string;
  /** Source paths of its content's parts. */
  readonly parts: readonly string[];
}

/** Collector of the facts of a request that the pivot form does not hold. */
export interface Reading {
  readonly unsupported: UnsupportedField[];
  readonly unread: string[];
  /** Adds a client's field without a place in the pivot form, and its text. */
  addUnsupported(
    param: string,
    why: string,
    value: unknown,
    more?: Pick<UnsupportedField, 'is_light' | 'protocol_code'>,
  ): void;
  /** Adds the source paths of the next message of the pivot form. */
  addSource(message: string, parts?: readonly string[]): void;
  locate(param: string): string;
}

/** @param names the client's names of fields of the pivot form, if they differ */
export const createReading = (names: ReadonlyMap<string, string>): Reading => {
  const unsupported: UnsupportedField[] = [];
  const unread: string[] = [];
  const sources: SourcePaths[] = [];
  return {
    unsupported,
    unread,
    addUnsupported: (param, why, value, more = {}) => {
      unsupported.push({ param, why, ...more });
      unread.push(JSON.stringify(value));
    },
    addSource: (message, parts = []) => {
      sources.push({ message, parts });
    },
    locate: (param) => {
      const [, index, part] = MESSAGE.exec(param) ?? [];
      if (index !== undefined) {
        const source = sources[Number(index)];
        return (part === undefined ? undefined : source?.parts[Number(part)]) ?? source?.message ?? param;
      }
      const [whole = param, name = ''] = /^(\w+)(?:\[\d+\])?/.exec(param) ?? [];
      return name === 'tools' ? whole : (names.get(name) ?? param);
    },
  };
};

const MESSAGE = /^messages\[(\d+)\](?:\.content\[(\d+)\])?/;
