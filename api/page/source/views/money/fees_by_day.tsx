// Fees by day, with the parts of the beneficiaries.

import { roundedParts } from "../../data/decimals.ts";
import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { Table } from "../../data/rows.ts";
import { Choose } from "../../parts/choose.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Usd } from "../../parts/texts.tsx";
import { choice } from "../../shell/router.ts";

const TOTAL = "total";
const ALL_DAYS = "all";
const USD_DECIMALS = 2;
const SOURCES = [["trading", "Trading"], ["subscriptions", "Plans"], ["nft_marketplace", "Market place"]] as const;

/** `shown` are the parts, rounded so that they add up. */
interface Day { day: string; parts: Map<string, string>; shown: Map<string, string> }

export function FeesByDay() {
  const source = choice("source", "trading", SOURCES.map(([name]) => name));
  const table = useFeed("fees", { source, asset: "USD", day: "each" }, () => new Table((row) => `${row.day}|${row.beneficiary}`));
  table.version.value;
  const days = daysOf([...table.byKey.values()]);
  const names = [...new Set(days.flatMap((day) => [...day.parts.keys()]))].filter((name) => name !== TOTAL).sort();
  const amount = (name: string) => (day: Day) => <Usd amount={day.parts.get(name) ?? "0"} shown={day.shown.get(name) ?? "0"} />;
  const columns: Column<Day>[] = [
    { title: "Day (UTC)", show: ({ day }) => (day === ALL_DAYS ? <strong>All days</strong> : day) },
    { title: "Fees, USD", show: amount(TOTAL), isNumber: true },
    ...names.map((name) => ({ title: name.replaceAll("_", " "), show: amount(name), isNumber: true })),
  ];
  return (
    <Panel title="Fees by day" kind="tall roomy">
      <form onSubmit={(event) => event.preventDefault()}><Choose name="source" label="Source" options={SOURCES} /></form>
      <RowsTable label="Fees by day" rows={days} keyOf={(day) => day.day} columns={columns} loaded={table.loaded.value} empty="No fees of this source yet." />
    </Panel>
  );
}

function daysOf(rows: Row[]): Day[] {
  const days = new Map<string, Day>();
  for (const row of rows) {
    const day = days.get(row.day) ?? { day: row.day, parts: new Map(), shown: new Map() };
    day.parts.set(row.beneficiary, row.amount);
    days.set(row.day, day);
  }
  for (const { parts, shown } of days.values()) {
    const names = [...parts.keys()].filter((name) => name !== TOTAL);
    const rounded = roundedParts(names.map((name) => parts.get(name)!), USD_DECIMALS);
    names.forEach((name, at) => shown.set(name, rounded[at]!));
    shown.set(TOTAL, parts.get(TOTAL) ?? "0");
  }
  return [...days.values()].sort((a, b) => (b.day === ALL_DAYS ? 1 : a.day === ALL_DAYS ? -1 : b.day.localeCompare(a.day)));
}
