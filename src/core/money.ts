/**
 * Amount of money as an integer count of pico-dollars (1e-12 USD) in a `bigint`. 2.50 USD per million tokens is
 * 2,500,000 pico-dollars a token, so every product of tokens and price is exact. JSON and PostgreSQL hold it as a
 * decimal string (`numeric`).
 */
export type Pico = bigint;

const PICO_DIGITS = 12;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * Pico-dollars of an amount in US dollars.
 * @param usd a plain decimal such as `0.15` (a text, or a number whose shortest form is plain)
 * @throws RangeError if it is not a decimal, or is finer than a pico-dollar
 */
export const picoFromUsd = (usd: string | number): Pico => {
  const match = DECIMAL.exec(typeof usd === 'number' ? plainDecimal(usd) : usd);
  if (match === null) throw new RangeError(`not a decimal amount of US dollars: ${usd}`);
  const [, sign, whole = '0', fraction = ''] = match;
  if (/[1-9]/.test(fraction.slice(PICO_DIGITS))) throw new RangeError(`finer than a pico-dollar: ${usd}`);
  const pico = BigInt(whole + fraction.slice(0, PICO_DIGITS).padEnd(PICO_DIGITS, '0'));
  return sign === '-' ? -pico : pico;
};

/** US dollars of an amount, as a plain decimal without trailing zeros: `2500000000n` is `0.0025`. */
export const usdFromPico = (pico: Pico): string => {
  const digits = (pico < 0n ? -pico : pico).toString().padStart(PICO_DIGITS + 1, '0');
  const fraction = digits.slice(-PICO_DIGITS).replace(/0+$/, '');
  const whole = digits.slice(0, -PICO_DIGITS);
  return `${pico < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
};

/** Cents (1e-2 USD) of an amount, rounded half to even (IEEE 754 roundTiesToEven), as invoices round. */
export const centsFromPico = (pico: Pico): bigint => divideHalfEven(pico, 10_000_000_000n);

/** `dividend / divisor` rounded half to even. The divisor is positive. */
export const divideHalfEven = (dividend: bigint, divisor: bigint): bigint => {
  const quotient = dividend / divisor;
  const remainder = dividend % divisor;
  const doubled = (remainder < 0n ? -remainder : remainder) * 2n;
  if (doubled < divisor || (doubled === divisor && quotient % 2n === 0n)) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
};

const plainDecimal = (value: number): string =>
  Number.isFinite(value) ? value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 }) : '';
