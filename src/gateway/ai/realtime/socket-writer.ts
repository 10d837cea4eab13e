import type { Writable } from 'node:stream';

/** Where frames go: takes no more than the other side does. */
export interface Sink {
  /** Resolves when there is room for more, or when nobody takes anything any more. */
  write(frames: readonly Buffer[]): Promise<void>;
}

/** @param timeout_ms who takes nothing for so long is gone @param drop ends the connection then */
export const createSink = (writable: Writable, timeout_ms: number, drop: () => void): Sink => ({
  write: (frames) => {
    if (!writable.writable) return Promise.resolve();
    let has_room = true;
    writable.cork();
    for (const frame of frames) has_room = writable.write(frame);
    writable.uncork();
    if (has_room || !writable.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const stalled = setTimeout(drop, timeout_ms);
      const done = (): void => {
        clearTimeout(stalled);
        writable.off('drain', done).off('close', done).off('error', done);
        resolve();
      };
      writable.on('drain', done).on('close', done).on('error', done);
    });
  },
});
