import { SandboxRefusal } from './call.ts';

/** The faults that a directive asks for; see README.md for what each does. */
export interface Faults {
  readonly status?: number;
  readonly latency_ms?: number;
  readonly tokens?: number;
  readonly token_interval_ms?: number;
  readonly slow_first_ms?: number;
  readonly cut_after?: number;
  readonly error_after?: number;
  readonly hang?: true;
  readonly garbage?: true;
  readonly wrong_type?: true;
  readonly empty?: true;
}

/** Each directive with its largest number; null marks one that takes none. */
const DIRECTIVES: ReadonlyMap<string, number | null> = new Map([
  ['status', 599],
  ['latency_ms', 600_000],
  ['tokens', 100_000],
  ['token_interval_ms', 60_000],
  ['slow_first_ms', 600_000],
  ['cut_after', 100_000],
  ['error_after', 100_000],
  ['hang', null],
  ['garbage', null],
  ['wrong_type', null],
  ['empty', null],
]);

export const DIRECTIVE_MARK = '[[sandbox:';
const DIRECTIVE = /\s*\[\[sandbox:([^\]]*)\]\]/g;

/** `text` without its directives. */
export const withoutDirectives = (text: string): string => text.replace(DIRECTIVE, '');

/**
 * The faults that the directives in `text` ask of `protocol`; null where there are none.
 * @throws SandboxRefusal 400 naming what exists, when a directive is not known or its number is none
 */
export const faultsOf = (text: string, protocol: 'openai' | 'anthropic'): Faults | null => {
  if (!text.includes(DIRECTIVE_MARK)) return null;
  const faults: Record<string, number | true> = {};
  for (const [, inside = ''] of text.matchAll(DIRECTIVE)) {
    const { only, ...asked } = read(inside);
    if (only === undefined || only === protocol) Object.assign(faults, asked);
  }
  return Object.keys(faults).length === 0 ? null : faults;
};

const read = (inside: string): Record<string, number | true> & { only?: string } => {
  const asked: Record<string, number | true> = {};
  let only: string | undefined;
  for (const word of inside.split(/[\s,]+/).filter((part) => part !== '')) {
    const [name = '', value] = word.split('=', 2);
    if (name === 'only' && (value === 'openai' || value === 'anthropic')) only = value;
    else asked[name] = numberOf(name, value);
  }
  return Object.assign(asked, only === undefined ? {} : { only }) as ReturnType<typeof read>;
};

const numberOf = (name: string, value: string | undefined): number | true => {
  const largest = DIRECTIVES.get(name);
  if (largest === null && value === undefined) return true;
  const number = value !== undefined && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  const smallest = name === 'status' ? 200 : 0;
  if (typeof largest !== 'number' || Number.isNaN(number) || number > largest || number < smallest) {
    throw new SandboxRefusal(
      400,
      `There is no sandbox directive "${name}${value === undefined ? '' : `=${value}`}". ${EXISTING}`,
    );
  }
  return number;
};

const EXISTING = `These exist: ${[...DIRECTIVES]
  .map(([name, largest]) => (largest === null ? name : `${name}=<number up to ${largest}>`))
  .join(', ')}, only=openai, only=anthropic.`;
