/** Bytes in the pieces in which they came, copied only where a part that is taken spans several. */
export interface ByteQueue {
  readonly size: number;
  push(bytes: Buffer): void;
  /** The byte at a place, which there is. */
  at(place: number): number;
  /** The first bytes, of which there are so many. */
  take(count: number): Buffer;
}

// Moving what is left at each step would take as long as there are pieces.
const SPENT_MAX = 1_024;
const NOTHING = Buffer.alloc(0);

export const createByteQueue = (): ByteQueue => {
  const pieces: Buffer[] = [];
  let first = 0;
  let size = 0;
  const dropSpent = (): void => {
    if (first < pieces.length && first < SPENT_MAX) return;
    pieces.splice(0, first);
    first = 0;
  };
  return {
    get size() {
      return size;
    },
    push: (bytes) => {
      if (bytes.length === 0) return;
      pieces.push(bytes);
      size += bytes.length;
    },
    at: (place) => {
      let left = place;
      let index = first;
      while (left >= pieces[index]!.length) left -= pieces[index++]!.length;
      return pieces[index]![left]!;
    },
    take: (count) => {
      const taken: Buffer[] = [];
      for (let missing = count; missing > 0; ) {
        const piece = pieces[first]!;
        const part = piece.subarray(0, missing);
        taken.push(part);
        missing -= part.length;
        pieces[first] = part.length === piece.length ? NOTHING : piece.subarray(part.length);
        if (part.length === piece.length) first += 1;
      }
      size -= count;
      dropSpent();
      return taken.length === 1 ? taken[0]! : Buffer.concat(taken, count);
    },
  };
};
