#!/usr/bin/env node
import { createProgram } from './program.ts';

const program = createProgram();

program
  .command('generate', { hidden: true })
  .description("write the files that are made of the vault's schemas")
  .action(async () => {
    // Its library comes with the development dependencies only.
    const { generateCommand } = await import('./generate.ts').catch(() =>
      program.error('error: "onevault generate" is for a checkout; run "npm ci" there, without --omit=dev'),
    );
    await generateCommand();
  });

try {
  await program.parseAsync();
} catch (error) {
  const { isExpected } = await import('./expected-errors.ts');
  console.error(isExpected(error) ? `onevault: ${error.message}` : error);
  process.exitCode = 1;
}
