// What the markets traded on the newest day.

import { compare, minus, over, times } from "./decimals.ts";
import type { Row } from "./feeds.ts";

const PERCENT_DECIMALS = 2;

/** Return the candles of the newest day among these, the market with the most volume first. */
export function ofNewestDay(candles: Iterable<Row>): Row[] {
  const all = [...candles];
  const newest = all.reduce((day, row) => (row.begin > day ? row.begin : day), "");
  return all.filter((row) => row.begin === newest).sort((a, b) => compare(b.notional_usd, a.notional_usd) || (a.market < b.market ? -1 : 1));
}

/** Return by how many percent a candle's price has changed, as decimal text. */
export const changeOf = (row: Row): string => over(times(minus(row.close, row.open), "100"), row.open, PERCENT_DECIMALS);
