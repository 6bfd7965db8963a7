// What is traded: the markets of the newest day, and which of them has its candles shown.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { ofNewestDay } from "../../data/markets.ts";
import { Table } from "../../data/rows.ts";
import { choice } from "../../shell/router.ts";
import { useMarkets } from "../boards/chosen.tsx";
import { chosenMode } from "./candles.tsx";

export interface Traded {
  /** All markets, the most traded one first. */
  markets: readonly string[];
  /** The one whose candles are shown; nothing before the markets are known. */
  market: string;
  /** The markets of the newest day. */
  rows: readonly Row[];
  loaded: boolean;
}

export function useTraded(): Traded {
  const all = useMarkets();
  const table = useFeed("markets", { mode: chosenMode() }, () => new Table((row) => `${row.market} ${row.begin}`));
  table.version.value;
  const rows = ofNewestDay(table.byKey.values());
  const markets = [...new Set([...rows.map((row) => row.market as string), ...all])];
  const loaded = table.loaded.value;
  return { markets, market: loaded ? choice("chart", markets[0] ?? "", markets) : "", rows, loaded };
}
