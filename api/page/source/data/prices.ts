// The mark prices at which practice orders run.

import type { Row } from "./feeds.ts";
import { useFeed } from "./follow.ts";
import { Table } from "./rows.ts";

export interface Prices { byMarket: ReadonlyMap<string, Row>; loaded: boolean }

/** Follow the newest mark price of each market. */
export function usePrices(): Prices {
  const table = useFeed("prices", {}, () => new Table((row) => row.market));
  table.version.value;
  return { byMarket: table.byKey, loaded: table.loaded.value };
}
