/**
 * Calls `stop` on Ctrl-C or a termination signal before this process ends.
 * @returns a function that removes the handlers
 */
export const onInterrupt = (stop: () => Promise<unknown>): (() => void) => {
  const end = (signal: NodeJS.Signals): void => {
    void stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  return () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
};
