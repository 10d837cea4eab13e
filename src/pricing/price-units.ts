/** A unit that calls are counted in, with a price of its own. */
interface UnitFacts {
  /** The unit in words, as "Price of …" goes on. */
  readonly of: string;
  /** The side of a call that its tokens belong to; or a tool that the provider runs itself; or a whole. */
  readonly kind: 'prompt' | 'completion' | 'tool' | 'whole';
  /** The number of units that people state a price of. */
  readonly stated_per: 1 | 1_000 | 1_000_000;
  /** Fallback units: without its own price the unit is charged at the price of the first of these that has one. */
  readonly stand_ins: readonly string[];
  /** True if `model_price_s` has a column for it; other units need a set of `model_price_tier_s`. */
  readonly is_base: boolean;
  /** True if its columns came when the vault had prices: their rows keep their hash diffs. */
  readonly is_added?: true;
}

const tokens = { stated_per: 1_000_000 } as const;
const whole = { kind: 'whole', stated_per: 1, stand_ins: [], is_base: true } as const;
const tool = { kind: 'tool', stated_per: 1_000, stand_ins: [], is_base: false } as const;

/**
 * The units of prices, in the order of the vault's columns. Prompt and response divide into them without a rest. The
 * price columns of the vault's schemas come from here (`npm run generate`), and so do SQL, request schemas and code; a
 * new unit needs besides only the migration that adds its columns.
 */
export const PRICE_UNIT_TABLE = {
  input: { of: 'one prompt token', kind: 'prompt', ...tokens, stand_ins: [], is_base: true },
  output: { of: 'one completion token', kind: 'completion', ...tokens, stand_ins: [], is_base: true },
  cached_input: {
    of: "one prompt token read from the provider's cache",
    kind: 'prompt',
    ...tokens,
    stand_ins: ['input'],
    is_base: true,
  },
  cache_write: {
    of: "one prompt token written to the provider's cache",
    kind: 'prompt',
    ...tokens,
    stand_ins: ['input'],
    is_base: true,
  },
  long_cache_write: {
    of: "one prompt token written to the provider's cache for an hour",
    kind: 'prompt',
    ...tokens,
    stand_ins: ['cache_write', 'input'],
    is_base: false,
  },
  reasoning: { of: 'one reasoning token', kind: 'completion', ...tokens, stand_ins: ['output'], is_base: true },
  audio_input: {
    of: 'one audio token in the prompt',
    kind: 'prompt',
    ...tokens,
    stand_ins: ['input'],
    is_base: true,
  },
  cached_audio_input: {
    of: "one audio token in the prompt read from the provider's cache",
    kind: 'prompt',
    ...tokens,
    stand_ins: ['audio_input', 'cached_input', 'input'],
    is_base: false,
  },
  audio_output: {
    of: 'one audio token in the response',
    kind: 'completion',
    ...tokens,
    stand_ins: ['output'],
    is_base: true,
  },
  image_input: { of: 'one image token in the prompt', kind: 'prompt', ...tokens, stand_ins: ['input'], is_base: false },
  cached_image_input: {
    of: "one image token in the prompt read from the provider's cache",
    kind: 'prompt',
    ...tokens,
    stand_ins: ['image_input', 'cached_input', 'input'],
    is_base: false,
  },
  image_output: {
    of: 'one image token in the response',
    kind: 'completion',
    ...tokens,
    stand_ins: ['output'],
    is_base: false,
  },
  image: { of: 'one generated image', ...whole },
  request: { of: 'one request of any size', ...whole },
  audio_second: { of: 'one second of transcribed audio', ...whole, is_base: false, is_added: true },
  character: {
    of: 'one character (Unicode code point) of text to speak',
    ...whole,
    stated_per: 1_000_000,
    is_base: false,
    is_added: true,
  },
  web_search: { of: 'one search of the web that the provider ran', ...tool },
  file_search: { of: 'one search of stored files that the provider ran', ...tool },
  maps_search: { of: 'one search of maps that the provider ran', ...tool },
  code_session: { of: 'one machine that the provider ran code on', ...tool },
} as const satisfies Readonly<Record<string, UnitFacts>>;

type Table = typeof PRICE_UNIT_TABLE;

export type PriceUnit = keyof Table;

type UnitsWhere<F> = { readonly [U in PriceUnit]: Table[U] extends F ? U : never }[PriceUnit];

/** Uses of tools that a provider runs itself, which tokens do not show. */
export type ToolUnit = UnitsWhere<{ readonly kind: 'tool' }>;

/** The units whose columns came when the vault had prices. */
export const isAddedUnit = (unit: PriceUnit): boolean => 'is_added' in PRICE_UNIT_TABLE[unit];

/** The units that `model_price_s` has columns for. */
export type BaseUnit = UnitsWhere<{ readonly is_base: true }>;

export const PRICE_UNITS = Object.keys(PRICE_UNIT_TABLE) as readonly PriceUnit[];

export const isToolUnit = (unit: string): unit is ToolUnit =>
  Object.hasOwn(PRICE_UNIT_TABLE, unit) && PRICE_UNIT_TABLE[unit as PriceUnit].kind === 'tool';

export const BASE_UNITS = PRICE_UNITS.filter((unit): unit is BaseUnit => PRICE_UNIT_TABLE[unit].is_base);

/** The units of one side of a call, of tools, or of what is counted as a whole. */
export const unitsOfKind = <K extends UnitFacts['kind']>(kind: K): readonly UnitsWhere<{ readonly kind: K }>[] =>
  PRICE_UNITS.filter((unit): unit is UnitsWhere<{ readonly kind: K }> => PRICE_UNIT_TABLE[unit].kind === kind);

/** The number of units that people state a price of: a million tokens or characters, a thousand uses of a tool, or one. */
export const statedCount = (unit: PriceUnit): bigint => BigInt(PRICE_UNIT_TABLE[unit].stated_per);

/** Fallback units of a unit: without its own price it is charged at the price of the first of these that has one. */
export const standInsOf = (unit: PriceUnit): readonly PriceUnit[] => PRICE_UNIT_TABLE[unit].stand_ins;

/** Requests, images, seconds and characters cost nothing without a price; other units are unpriced then. */
export const isFreeWithoutPrice = (unit: PriceUnit): boolean => PRICE_UNIT_TABLE[unit].kind === 'whole';

/** Pico-dollars of one unit, by the vault's columns; null if that unit has no price of its own. */
export type PriceColumn<U extends PriceUnit = PriceUnit> = `${U}_price`;

export const priceColumn = <U extends PriceUnit>(unit: U): PriceColumn<U> => `${unit}_price`;
