import { move as markMovable, transferableSymbol, valueSymbol } from 'piscina';

/** A task or a result with a list of memory that moves between threads instead of being copied. */
export const move = (value: object, memory: readonly ArrayBufferLike[]): object =>
  markMovable({ [transferableSymbol]: memory, [valueSymbol]: value });
