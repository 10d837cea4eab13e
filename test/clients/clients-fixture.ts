import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { VaultCall } from '../support/http.ts';

/** A model of each form that providers speak. */
export const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5', 'gemini-2.5-flash'] as const;

export const PROVIDER_OF: Readonly<Record<(typeof MODELS)[number], string>> = {
  'gpt-4o-mini': 'openai',
  'claude-haiku-4-5': 'anthropic',
  'gemini-2.5-flash': 'google',
};

/** A picture of one pixel, in base64. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** That a call is recorded with the tokens of prompt and reply that its client was told. */
export const assertUsed = (call: VaultCall, told: readonly (number | undefined)[]): void => {
  assert.equal(call.usage_source, 'provider');
  assert.equal(call.rating, 'RATED');
  assert.deepEqual([call.prompt_tokens, call.completion_tokens], told);
  assert.ok(told.every((tokens) => tokens! > 0));
};

/** Python with the SDKs that its users have, as .ci/run installs them. */
export const PYTHON = fileURLToPath(new URL('../../.ci/clients-venv/bin/python', import.meta.url));

/** Skips a test, and says so, where that Python is not there. */
export const needPython = (test: Mocha.Context): void => {
  if (existsSync(PYTHON)) return;
  process.stdout.write("\nPython's SDKs: skipped, .ci/clients-venv is not there; .ci/run makes it\n");
  test.skip();
};
