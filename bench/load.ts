import type { Figures } from './support/bench.ts';
export const description = 'x';
export const options = {};
export const run = async (): Promise<Figures> => ({ is_complete: true });
