/**
 * Ends this process if something keeps it alive for that long, because resources that a failed hook left open would
 * block a test run for ever. The process then fails and reports them.
 */
export const endUnlessDone = (grace_ms: number): void => {
  const end = (): void => {
    const left = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`still open ${grace_ms} ms after the last test: ${left}\n`);
    process.on('exit', () => {
      process.exitCode ||= 1;
    });
    process.exit();
  };
  setTimeout(end, grace_ms).unref();
};
