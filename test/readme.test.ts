import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { COMPATIBLE_PROVIDERS, variablesOf } from '../src/core/compatible-providers.ts';
import { VARIABLES } from '../src/core/config.ts';
import { ERRORS } from '../src/core/errors.ts';
import { PROJECT } from '../src/main/paths.ts';
import { loadRegistry } from '../src/vault/registry.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The rows of the table that follows a heading, without its head. */
const tableUnder = (heading: string): string[] => {
  const section = README.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `'));
};

describe('the README', () => {
  it('lists every error with its status, type and message', () => {
    const rows = Object.entries(ERRORS).map(
      ([code, { status, type, message }]) => `| \`${code}\` | ${status} | \`${type}\` | ${message} |`,
    );
    assert.deepEqual(tableUnder('Errors'), rows);
  });

  it('lists every variable with its meaning', () => {
    const rows = Object.entries(VARIABLES).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
    assert.deepEqual(tableUnder('Settings'), rows);
  });

  it('lists every provider made like OpenAI with its variables and its address', () => {
    const rows = COMPATIBLE_PROVIDERS.map(({ provider, provider_name, base_url }) => {
      const { api_key, base_url: address } = variablesOf(provider);
      const variables = `\`${api_key}\`, \`${address}\``;
      return `| \`${provider}\` | ${provider_name} | ${variables} | ${base_url ?? 'none: each has its own'} |`;
    });
    assert.deepEqual(tableUnder('Providers'), rows);
  });

  it('lists every table of the vault', () => {
    const listed = tableUnder('The vault').map((row) => row.split('`')[1]);
    const entities = [...loadRegistry(PROJECT.entities).entities.values()];
    assert.deepEqual(
      listed,
      entities.map(({ name }) => name),
    );
  });
});
