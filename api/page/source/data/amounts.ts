// Sums of amounts. An amount is decimal text, and a sum a whole number of its smallest part: neither is ever a float.

/** Return decimal text as a whole number of parts of 10^-decimals; further digits are cut. */
export function parts(text: string, decimals: number): bigint {
  const [whole = "0", fraction = ""] = text.replace("-", "").split(".");
  const found = BigInt(whole + fraction.padEnd(decimals, "0").slice(0, decimals));
  return text.startsWith("-") ? -found : found;
}

/** Return a whole number of parts of 10^-decimals as decimal text. */
export function textOfParts(found: bigint, decimals: number): string {
  const digits = (found < 0n ? -found : found).toString().padStart(decimals + 1, "0");
  return `${found < 0n ? "-" : ""}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Return the sum of two decimal texts. */
export const added = (one: string, other: string, decimals: number): string => textOfParts(parts(one, decimals) + parts(other, decimals), decimals);

export const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n);
