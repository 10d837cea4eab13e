import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { VaultCall } from '../support/http.ts';

/** One model for each provider protocol. */
export const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5', 'gemini-2.5-flash'] as const;

export const PROVIDER_OF: Readonly<Record<(typeof MODELS)[number], string>> = {
  'gpt-4o-mini': 'openai',
  'claude-haiku-4-5': 'anthropic',
  'gemini-2.5-flash': 'google',
};

/** An image of one pixel, in base64. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Asserts that a call is recorded with the prompt and completion tokens that its client received. */
export const assertUsed = (call: VaultCall, reported: readonly (number | undefined)[]): void => {
  assert.equal(call.usage_source, 'provider');
  assert.equal(call.rating, 'RATED');
  assert.deepEqual([call.prompt_tokens, call.completion_tokens], reported);
  assert.ok(reported.every((tokens) => tokens! > 0));
};

/** Python with the official SDKs; .ci/run installs them. */
export const PYTHON = fileURLToPath(new URL('../../.ci/clients-venv/bin/python', import.meta.url));

/** Skips a test with a note if that Python is not installed. */
export const needPython = (test: Mocha.Context): void => {
  if (existsSync(PYTHON)) return;
  process.stdout.write("\nPython's SDKs: skipped, .ci/clients-venv is not there; .ci/run makes it\n");
  test.skip();
};
