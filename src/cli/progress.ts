const BAR_WIDTH = 30;
// Clears the rest of an earlier, longer line.
const ERASE_LINE = '\r\u001b[2K';

/** A bar on standard error, if that is a terminal. */
export interface ProgressBar {
  /** @param done from 0 to 1 */
  show(done: number, label: string): void;
  clear(): void;
}

export const createProgress = (): ProgressBar => {
  const is_terminal = process.stderr.isTTY === true;
  const write = (text: string): void => {
    if (is_terminal) process.stderr.write(`${ERASE_LINE}${text}`);
  };
  return {
    show: (done, label) => write(barText(done, label, process.stderr.columns)),
    clear: () => write(''),
  };
};

const barText = (done: number, label: string, columns: number): string => {
  const full = Math.floor(done * BAR_WIDTH);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
  return `${bar} ${String(Math.floor(done * 100)).padStart(3)} %  ${label}`.slice(0, columns - 1);
};
