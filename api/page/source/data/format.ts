// Numbers, money and times in the reader's locale and zone. Amounts are decimal text: they are never turned into floats.

const locale = globalThis.navigator?.language;
const integers = new Intl.NumberFormat(locale);
const parts = new Intl.NumberFormat(locale, { minimumFractionDigits: 1 }).formatToParts(1.5);
const point = parts.find((part) => part.type === "decimal")?.value ?? ".";
const days = new Intl.DateTimeFormat(locale, { dateStyle: "short" });
const utcDays = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
const clocks = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const ages = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "narrow" });

const MINUS = "−";
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Return decimal text with grouped digits, and its fraction cut, not rounded, to `decimals`; all of it by default. */
export function decimal(text: string | number, decimals?: number): string {
  const found = DECIMAL.exec(String(text));
  if (!found) return String(text);
  const [, sign = "", whole = "0", fraction = ""] = found;
  const shown = decimals === undefined ? fraction : fraction.padEnd(decimals, "0").slice(0, decimals);
  const isZero = !/[1-9]/.test(whole + shown);
  return `${sign && !isZero ? MINUS : ""}${integers.format(BigInt(whole))}${shown ? point + shown : ""}`;
}

/** As many decimals of a quantity are shown. */
export const SIZE_DECIMALS = 6;

/** Return decimal text with at most so many decimals; further ones are cut, and an amount that is less keeps them. */
export function short(text: string, decimals: number): string {
  const [whole = "", fraction = ""] = text.split(".");
  const kept = fraction.slice(0, decimals).replace(/0+$/, "");
  return decimal(/[1-9]/.test(whole + kept) ? `${whole}${kept && `.${kept}`}` : text);
}

/** Return an amount of USD with two decimals. */
export const usd = (text: string): string => decimal(text, 2);

/** Return whether decimal text is below, at or above zero: -1, 0 or 1. */
export function signOf(text: string): -1 | 0 | 1 {
  if (!/[1-9]/.test(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

/** Return day and clock of a time in the reader's zone; no day for a time of today. */
export function dayAndClock(time: string, now = Date.now()): { day: string; clock: string } {
  const at = new Date(time);
  const day = days.format(at);
  return { day: day === days.format(now) ? "" : day, clock: clocks.format(at) };
}

/** Return the day of a time in UTC. */
export const utcDay = (time: string): string => utcDays.format(new Date(time));

/** Return a time in UTC, to the second. */
export const utc = (time: string): string => `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** Return how long ago a moment was, in milliseconds since 1970 both. */
export function age(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 60) return ages.format(-seconds, "second");
  if (seconds < 3600) return ages.format(-Math.round(seconds / 60), "minute");
  return ages.format(-Math.round(seconds / 3600), "hour");
}
