/**
 * Ends this process where something keeps it alive that long: what a failed hook left open would otherwise let a run
 * of tests wait for ever. It fails then, and says what was left.
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
