// Exact arithmetic of decimal text. Each amount is a whole number of its smallest decimal, so nothing is rounded.

interface Scaled { units: bigint; decimals: number }

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

function scaled(text: string): Scaled {
  const found = DECIMAL.exec(text);
  if (!found) throw new Error(`${text} is no decimal number`);
  const [, sign, whole, fraction = ""] = found;
  return { units: BigInt(`${sign}${whole}${fraction}`), decimals: fraction.length };
}

function textOf({ units, decimals }: Scaled): string {
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return `${units < 0n ? "-" : ""}${whole}${fraction && `.${fraction}`}`;
}

const at = ({ units, decimals }: Scaled, wanted: number): bigint => units * 10n ** BigInt(wanted - decimals);

/** Return the sum of two amounts. */
export function plus(one: string, other: string): string {
  const [a, b] = [scaled(one), scaled(other)];
  const decimals = Math.max(a.decimals, b.decimals);
  return textOf({ units: at(a, decimals) + at(b, decimals), decimals });
}

/** Return the first amount less the second. */
export const minus = (one: string, other: string): string => plus(one, times(other, "-1"));

/** Return the product of two amounts. */
export function times(one: string, other: string): string {
  const [a, b] = [scaled(one), scaled(other)];
  return textOf({ units: a.units * b.units, decimals: a.decimals + b.decimals });
}

/** Return the first amount divided by the second, which is above 0, with so many decimals, a half rounded away from zero. */
export function over(one: string, other: string, decimals: number): string {
  const [a, b] = [scaled(one), scaled(other)];
  const above = a.units * 10n ** BigInt(decimals + b.decimals);
  const below = b.units * 10n ** BigInt(a.decimals);
  return textOf({ units: nearest(above, below), decimals });
}

/** Return the whole number nearest to a quotient, a half rounded away from zero. */
function nearest(above: bigint, below: bigint): bigint {
  const size = ((above < 0n ? -above : above) * 2n + below) / (below * 2n);
  return above < 0n ? -size : size;
}

/** Return an amount with so many decimals, a half rounded away from zero. */
export const rounded = (one: string, decimals: number): string => over(one, "1", decimals);

/** Return the parts of a sum, rounded so that they add up to the rounded sum: what rounding down loses goes to the parts that lose most by it. */
export function roundedParts(parts: readonly string[], decimals: number): string[] {
  const all = parts.map(scaled);
  const finest = Math.max(decimals, ...all.map((part) => part.decimals));
  const unit = 10n ** BigInt(finest - decimals);
  const exact = all.map((part) => at(part, finest));
  const shown = exact.map((units) => (units - (((units % unit) + unit) % unit)) / unit);
  const whole = exact.reduce((one, other) => one + other, 0n);
  const missing = Number(nearest(whole, unit) - shown.reduce((one, other) => one + other, 0n));
  const lost = exact.map((units, index) => ({ index, by: units - shown[index]! * unit }));
  lost.sort((a, b) => (a.by < b.by ? 1 : a.by > b.by ? -1 : a.index - b.index));
  for (const { index } of lost.slice(0, missing)) shown[index]! += 1n;
  return shown.map((units) => textOf({ units, decimals }));
}

/** Return the sum of all amounts. */
export const sum = (amounts: readonly string[]): string => amounts.reduce(plus, "0");

/** Return a whole number of units of 10^-decimals as an amount. */
export const ofUnits = (units: string, decimals: number): string => textOf({ units: BigInt(units), decimals });

/** Return -1, 0 or 1 where the first amount is below, at or above the second. */
export function compare(one: string, other: string): -1 | 0 | 1 {
  const [a, b] = [scaled(one), scaled(other)];
  const decimals = Math.max(a.decimals, b.decimals);
  const [left, right] = [at(a, decimals), at(b, decimals)];
  return left < right ? -1 : left > right ? 1 : 0;
}
