import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ERRORS } from '../src/core/errors.ts';
import { COMPATIBLE_PROVIDERS, variablesOf } from '../src/providers/compatible-providers.ts';
import { PROJECT } from '../src/server/paths.ts';
import { FAMILY_SETTINGS, SETTINGS } from '../src/server/settings.ts';
import { loadRegistry } from '../src/vault/registry.ts';

const textOf = (page: string): string => readFileSync(new URL(`../${page}`, import.meta.url), 'utf8');

/** The rows of the table that follows a heading of a page, without its head. */
const tableUnder = (page: string, heading: string): string[] => {
  const section =
    textOf(page)
      .split(new RegExp(`^#+ ${heading}\n`, 'm'))[1]
      ?.split('\n## ')[0] ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `'));
};

describe('the documentation', () => {
  it('lists every setting with its type, default, bounds and meaning', () => {
    const rows = textOf('docs/reference/settings.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const named = rows.map((row) => row.split('`')[1]);
    assert.deepEqual(named.toSorted(), Object.keys({ ...SETTINGS, ...FAMILY_SETTINGS }).toSorted());
    const limit =
      '| bytes | 33554432 (32 MiB) | 1024 (1 KiB) | 1073741824 (1 GiB) | largest request body, 2 MiB at most for embeddings |';
    assert.ok(rows.includes(`| \`ONEVAULT_BODY_LIMIT_BYTES\` ${limit}`), rows.join('\n'));
    assert.ok(
      rows.every((row) => /^(?:\|[^|]+){6}\|$/.test(row)),
      'every row has six cells',
    );
  });

  it('lists every error with its status, type and message', () => {
    const page = textOf('docs/reference/errors.md');
    for (const [code, { status, type, message }] of Object.entries(ERRORS)) {
      assert.ok(page.includes(`| \`${code}\` | ${status} | \`${type}\` | ${message} |`), code);
    }
  });

  it('lists every provider made like OpenAI with its variables and its address', () => {
    const rows = COMPATIBLE_PROVIDERS.map(({ provider, provider_name, base_url }) => {
      const { api_key, base_url: address } = variablesOf(provider);
      const variables = `\`${api_key}\`, \`${address}\``;
      return `| \`${provider}\` | ${provider_name} | ${variables} | ${base_url ?? 'none: each has its own'} |`;
    });
    assert.deepEqual(tableUnder('docs/guides/route-calls.md', 'Providers'), rows);
  });

  it('lists every table of the vault', () => {
    const listed = tableUnder('vault/README.md', 'Tables').map((row) => row.split('`')[1]);
    const entities = [...loadRegistry(PROJECT.entities).entities.values()];
    assert.deepEqual(
      listed,
      entities.map(({ name }) => name),
    );
  });

  it("never shows npx without --no-install, which would run a stranger's package with our name", () => {
    for (const page of PAGES) assert.doesNotMatch(textOf(page), /npx +(?:--yes |-y )?onevault/, page);
  });

  it('links only to existing pages and headings', () => {
    for (const page of PAGES) {
      for (const [, target] of textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [path, heading] = target!.split('#');
        const there = path === '' ? page : join(dirname(page), path!);
        assert.ok(existsSync(new URL(`../${there}`, import.meta.url)), `${page}: ${target}`);
        if (heading !== undefined) assert.ok(headingsOf(there).includes(heading), `${page}: ${target}`);
      }
    }
  });
});

const PAGES = [
  ...[
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'vault/README.md',
    'verifier/README.md',
    'src/sandbox/README.md',
  ],
  'src/gateway/ai/protocols/README.md',
  ...readdirSync(new URL('../docs', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** A page's headings as they stand in links. */
const headingsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
