import { isAbsolute, resolve } from 'node:path';
import { FAMILY_SETTINGS, type IntegerSetting, SETTINGS, type Setting } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

type SettingName = keyof typeof SETTINGS;

type ValueOf<S extends Setting> = S extends { readonly type: 'integer' }
  ? number
  : S extends { readonly type: 'list' }
    ? readonly string[]
    : S extends { readonly type: 'choice'; readonly choices: readonly (infer T)[] }
      ? T
      : S extends { readonly default: null }
        ? string | null
        : string;

/** The values of all settings by the names of their variables; faulty ones have their defaults. */
export interface SettingValues {
  readonly values: { readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N]> };
  readonly family_values: Readonly<Record<string, string | null>>;
  /** Every fault: the variable, the fault and the remedy. */
  readonly faults: string[];
  /** True if the environment sets the variable, validly or not. */
  isSet(name: string): boolean;
}

type Value = string | number | null | readonly string[];

/**
 * Reads every setting.
 * @param env the environment
 * @param cwd the base of relative folders
 */
export const readSettings = (env: Environment, cwd: string): SettingValues => {
  const faults: string[] = [];
  const valuesOf = (settings: Readonly<Record<string, Setting>>): Readonly<Record<string, Value>> =>
    Object.fromEntries(
      Object.entries(settings).map(([name, setting]) => {
        const text = textOf(env, name);
        const found = text === null ? [] : faultsOf(name, setting, text);
        faults.push(...found);
        return [name, parse(setting, found.length === 0 ? text : null, cwd)];
      }),
    );
  return {
    values: valuesOf(SETTINGS) as SettingValues['values'],
    family_values: valuesOf(FAMILY_SETTINGS) as SettingValues['family_values'],
    faults,
    isSet: (name) => textOf(env, name) !== null,
  };
};

/** Null if the variable is unset or empty. */
const textOf = (env: Environment, name: string): string | null => {
  const text = env[name]?.trim();
  return text === undefined || text === '' ? null : text;
};

/** A fault begins with the variable, and shows the text if it cannot contain a secret. */
const faultsOf = (name: string, setting: Setting, text: string): string[] => {
  switch (setting.type) {
    case 'text': {
      const { form } = setting;
      return form === undefined || form.pattern.test(text) ? [] : [`${name}=${text}: must be ${form.words}`];
    }
    case 'integer':
      return integerFault(setting, text).map((fault) => `${name}=${text}: ${fault}`);
    case 'url': {
      if (URL.canParse(text) && setting.protocols.includes(new URL(text).protocol)) return [];
      return [`${name}: must be a URL that starts with ${setting.protocols.map((each) => `${each}//`).join(' or ')}`];
    }
    case 'choice':
      return setting.choices.includes(text) ? [] : [`${name}=${text}: must be one of ${setting.choices.join(', ')}`];
    case 'list':
      return itemsOf(text)
        .filter((item) => !setting.isItem(item))
        .map((item) => `${name}: ${item.replace(/^.*@/, '…@')} must be ${setting.item}`);
    case 'folder':
      return [];
  }
};

const integerFault = ({ min, max, zero }: IntegerSetting, text: string): string[] => {
  const least = zero === undefined ? min : 0;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= max)) return [`must be a whole number from ${least} to ${max}`];
  return number === 0 || number >= min ? [] : [`must be at least ${min}, or 0 ${zero}`];
};

const parse = (setting: Setting, text: string | null, cwd: string): Value => {
  switch (setting.type) {
    case 'text':
    case 'choice':
      return text ?? setting.default;
    case 'integer':
      return text === null ? setting.default : Number(text);
    case 'url':
      return text?.replace(/\/+$/, '') ?? null;
    case 'list':
      return text === null ? [] : itemsOf(text);
    case 'folder': {
      const folder = text ?? setting.default;
      return isAbsolute(folder) ? folder : resolve(cwd, folder);
    }
  }
};

const itemsOf = (text: string): string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
