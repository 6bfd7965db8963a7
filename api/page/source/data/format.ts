// Numbers, money and times in the reader's locale and zone. Amounts are decimal text: they are never turned into floats.

import { rounded } from "./decimals.ts";

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

/** Return decimal text with grouped digits, rounded to `decimals`, a half away from zero; all of it by default. */
export function decimal(text: string | number, decimals?: number): string {
  if (!DECIMAL.test(String(text))) return String(text);
  const [, sign = "", whole = "0", fraction = ""] = DECIMAL.exec(decimals === undefined ? String(text) : rounded(String(text), decimals))!;
  const shown = decimals === undefined ? fraction : fraction.padEnd(decimals, "0");
  const isZero = !/[1-9]/.test(whole + shown);
  return `${sign && !isZero ? MINUS : ""}${integers.format(BigInt(whole))}${shown ? point + shown : ""}`;
}

/** As many decimals of a quantity are shown. */
export const SIZE_DECIMALS = 6;

/** Return decimal text rounded to at most so many decimals; an amount that would be 0 then keeps all of them. */
export function short(text: string, decimals: number): string {
  const kept = rounded(text, decimals);
  return decimal(signOf(kept) ? kept : text);
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
