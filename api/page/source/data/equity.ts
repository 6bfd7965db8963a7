// Profit and loss of positions at prices of now, and the equity curve of a player.

import { compare, minus, over, plus, rounded, times } from "./decimals.ts";
import type { Row } from "./feeds.ts";

const DAY_S = 86_400;
const USD_DECIMALS = 8;

/** Return what closing a position at a price would bring: it is known for the last price, and grows with the price by the quantity. */
export const openProfit = (position: Row, price: string): string =>
  rounded(plus(position.unrealised_pnl_usd, times(position.quantity, minus(price, position.last_price))), USD_DECIMALS);

/** Return what closing a practice trade at a price would bring: notional × (price − entry) ÷ entry, inverted for a short one, and at worst its margin. */
export function tradeProfit(trade: Row, price: string): string {
  const rise = minus(price, trade.entry_price);
  const profit = over(times(trade.notional_usd, trade.side === "long" ? rise : times(rise, "-1")), trade.entry_price, USD_DECIMALS);
  const worst = times(trade.margin_usd, "-1");
  return compare(profit, worst) < 0 ? worst : profit;
}

export interface Curve { times: number[]; values: string[] }

/** Return whether a day has anything of trading: also the fee of a trade that began earlier. */
const isTraded = ({ trades, volume_usd, pnl_usd, fees_usd }: Row): boolean =>
  trades > 0 || [volume_usd, pnl_usd, fees_usd].some((amount) => compare(amount, "0") !== 0);

/** Return the running sum of profit less fees at the end of each day, from the first day of trading to the last; null without one. */
export function curveOf(days: readonly Row[], mode: "live" | "practice"): Curve | null {
  const byDay = new Map(days.filter((row) => isTraded(row[mode])).map((row) => [Date.parse(row.day) / 1000, row]));
  if (byDay.size === 0) return null;
  const [first, last] = [Math.min(...byDay.keys()), Math.max(...byDay.keys())];
  const curve: Curve = { times: [], values: [] };
  let sum = "0";
  for (let day = first; day <= last; day += DAY_S) {
    const row = byDay.get(day);
    if (row) sum = plus(sum, minus(row[mode].pnl_usd, row[mode].fees_usd));
    curve.times.push(day);
    curve.values.push(sum);
  }
  return curve;
}
