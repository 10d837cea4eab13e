import { type IntegerSetting, SETTING_GROUPS, type Setting } from './settings.ts';

/** The settings as `onevault --help` lists them: one line each, in columns. */
export const settingsHelp = (): string => {
  const all = SETTING_GROUPS.flatMap(({ settings }) => Object.entries(settings));
  const width = Math.max(...all.map(([name]) => name.length));
  return all
    .map(([name, setting]) => {
      const value = setting.default ?? setting.unset;
      return `  ${name.padEnd(width)}  ${meaningOf(setting)}${value === undefined ? '' : ` (${value})`}`;
    })
    .join('\n');
};

const meaningOf = (setting: Setting): string => {
  if (setting.type === 'list') return `${setting.help}, with commas between`;
  if (setting.type === 'choice') return `${setting.help}: ${setting.choices.join(', ')}`;
  if (setting.type === 'integer' && setting.zero !== undefined) return `${setting.help}, or 0 ${setting.zero}`;
  return setting.help;
};

/** docs/reference/settings.md. */
export const settingsPage =
  (): string => `<!-- Generated from src/server/settings.ts by \`npm run generate\`: never edit. -->

# Settings

Every setting is an environment variable. Spaces around a value do not count, and an empty value is as good as none.
The product reads all settings before it listens. It then refuses every fault at once, a misspelt name among them.
${SETTING_GROUPS.map(groupTable).join('')}`;

const groupTable = ({ heading, settings }: (typeof SETTING_GROUPS)[number]): string => `
## ${heading}

| variable | type | default | min | max | meaning |
|---|---|---|---|---|---|
${Object.entries(settings)
  .map(([name, setting]) => `${rowOf(name, setting)}\n`)
  .join('')}`;

const rowOf = (name: string, setting: Setting): string => {
  const boundOf = (which: 'min' | 'max'): string =>
    setting.type === 'integer' ? readable(setting[which], setting.unit) : '';
  const type = setting.is_secret === true ? `${typeOf(setting)}, secret` : typeOf(setting);
  const items = setting.type === 'list' ? `; each is ${setting.item.replace(/^<.*>$/, '`$&`')}` : '';
  const cells = [`\`${name}\``, type, defaultOf(setting), boundOf('min'), boundOf('max'), meaningOf(setting) + items];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
};

const typeOf = (setting: Setting): string => {
  switch (setting.type) {
    case 'integer':
      return setting.unit ?? 'number';
    case 'url':
      return `URL (${setting.protocols.map((each) => `\`${each}//\``).join(', ')})`;
    default:
      return setting.type;
  }
};

const defaultOf = (setting: Setting): string => {
  if (setting.type === 'integer') return readable(setting.default, setting.unit);
  const value = setting.default ?? setting.unset;
  return value === undefined ? 'none' : `\`${value}\``;
};

const UNITS = {
  bytes: [
    [2 ** 40, 'TiB'],
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ],
  ms: [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ],
} as const;

/** A number, and in parentheses the same in a larger unit if that is an integer. */
const readable = (value: number, unit: IntegerSetting['unit']): string => {
  if (unit !== 'bytes' && unit !== 'ms') return String(value);
  const larger = UNITS[unit].find(([size]) => value >= size && value % size === 0);
  return larger === undefined ? String(value) : `${value} (${value / larger[0]} ${larger[1]})`;
};
