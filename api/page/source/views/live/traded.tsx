// What is traded: the markets of the newest day, and the candles of one of them.

import { useFeed } from "../../data/follow.ts";
import { ofNewestDay } from "../../data/markets.ts";
import { Table } from "../../data/rows.ts";
import { choice } from "../../shell/router.ts";
import { useMarkets } from "../boards/chosen.tsx";
import { Candles, chosenMode } from "./candles.tsx";
import { Markets } from "./markets.tsx";

export function Traded() {
  const all = useMarkets();
  const table = useFeed("markets", { mode: chosenMode() }, () => new Table((row) => `${row.market} ${row.begin}`));
  table.version.value;
  const active = ofNewestDay(table.byKey.values());
  const names = [...new Set([...active.map((row) => row.market as string), ...all])]; // the most traded one is shown first
  return (
    <>
      <Candles markets={names} market={table.loaded.value ? choice("chart", names[0] ?? "", names) : ""} />
      <Markets rows={active} loaded={table.loaded.value} />
    </>
  );
}
