// Windows of event time as charts need them: the newest ones in order, each under its beginning.

import type { Row } from "./feeds.ts";
import { useFeed } from "./follow.ts";
import { Table } from "./rows.ts";

const beginOf = (row: Row): string => row.begin ?? row.day;

/** Follow the last windows of a feed, the oldest first. */
export function useWindows(feed: string, query: Record<string, string | number>, last: number): { rows: Row[]; loaded: boolean } {
  const table = useFeed(feed, { ...query, last }, () => new Table(beginOf));
  table.version.value;
  const rows = [...table.byKey.values()].sort((a, b) => (beginOf(a) < beginOf(b) ? -1 : 1));
  return { rows: rows.slice(-last), loaded: table.loaded.value };
}

/** Return when windows begin, in seconds since 1970. */
export const secondsOf = (rows: readonly Row[]): number[] => rows.map((row) => Date.parse(beginOf(row)) / 1000);
