import { type ProtocolName, SandboxRefusal } from './call.ts';

/** Requested faults; README.md describes each. */
export interface Faults {
  readonly status?: number;
  readonly retry_after?: number;
  readonly latency_ms?: number;
  readonly slow_first_ms?: number;
  readonly token_interval_ms?: number;
  readonly chunk_bytes?: number;
  readonly drip_ms?: number;
  readonly comments?: true;
  readonly tokens?: number;
  readonly thinking_tokens?: number;
  readonly cached_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly tool_calls?: number;
  readonly preface?: true;
  readonly refuse?: true;
  readonly block?: true;
  readonly cut_after?: number;
  readonly error_after?: number;
  readonly content_length?: number;
  readonly long_line_mb?: number;
  readonly bomb_mb?: number;
  readonly endless?: true;
  readonly hang?: true;
  readonly garbage?: true;
  readonly bad_json?: true;
  readonly garbage_after?: true;
  readonly wrong_type?: true;
  readonly empty?: true;
}

/** Each directive with its largest number; null for a directive without a number. */
const DIRECTIVES: ReadonlyMap<string, number | null> = new Map([
  ['status', 599],
  ['retry_after', 3_600],
  ['latency_ms', 600_000],
  ['slow_first_ms', 600_000],
  ['token_interval_ms', 60_000],
  ['chunk_bytes', 1_000_000],
  ['drip_ms', 60_000],
  ['comments', null],
  ['tokens', 100_000],
  ['thinking_tokens', 100_000],
  ['cached_tokens', 1_000_000],
  ['cache_write_tokens', 1_000_000],
  ['tool_calls', 128],
  ['preface', null],
  ['refuse', null],
  ['block', null],
  ['cut_after', 100_000],
  ['error_after', 100_000],
  ['content_length', 1_000_000_000],
  ['long_line_mb', 1_024],
  ['bomb_mb', 10_240],
  ['endless', null],
  ['hang', null],
  ['garbage', null],
  ['garbage_after', null],
  ['bad_json', null],
  ['wrong_type', null],
  ['empty', null],
  ['times', 1_000],
]);

const SMALLEST: ReadonlyMap<string, number> = new Map([
  ['status', 200],
  ['chunk_bytes', 1],
]);

export const DIRECTIVE_MARK = '[[sandbox:';
const DIRECTIVE = /\s*\[\[sandbox:([^\]]*)\]\]/g;
const PROTOCOLS: readonly string[] = ['openai', 'anthropic', 'google'] satisfies ProtocolName[];

/** `text` without its directives. */
export const withoutDirectives = (text: string): string => text.replace(DIRECTIVE, '');

/**
 * The faults that the directives in `text` request for `protocol`; null if there are none.
 * @param seen number of earlier equal requests, which `times` limits
 * @throws SandboxRefusal 400 with the list of directives, if one is unknown or its number is invalid
 */
export const faultsOf = (text: string, protocol: ProtocolName, seen: () => number): Faults | null => {
  if (!text.includes(DIRECTIVE_MARK)) return null;
  const faults: Record<string, number | true> = {};
  const brackets = [...text.matchAll(DIRECTIVE)].map(([, inside = '']) => read(inside));
  const before = brackets.some(({ times }) => times !== null) ? seen() : 0;
  for (const { only, times, requested } of brackets) {
    if ((only === null || only === protocol) && (times === null || before < times)) Object.assign(faults, requested);
  }
  return Object.keys(faults).length === 0 ? null : faults;
};

interface Brackets {
  readonly only: string | null;
  readonly times: number | null;
  readonly requested: Readonly<Record<string, number | true>>;
}

const read = (inside: string): Brackets => {
  const requested: Record<string, number | true> = {};
  let only: string | null = null;
  for (const directive of inside.split(/[\s,]+/).filter((part) => part !== '')) {
    const [name = '', value] = directive.split('=', 2);
    if (name === 'only' && value !== undefined && PROTOCOLS.includes(value)) only = value;
    else requested[name] = numberOf(name, value);
  }
  const { times, ...faults } = requested;
  return { only, times: typeof times === 'number' ? times : null, requested: faults };
};

const numberOf = (name: string, value: string | undefined): number | true => {
  const largest = DIRECTIVES.get(name);
  if (largest === null && value === undefined) return true;
  const number = value !== undefined && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  const smallest = SMALLEST.get(name) ?? 0;
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
  .join(', ')}, ${PROTOCOLS.map((name) => `only=${name}`).join(', ')}.`;
