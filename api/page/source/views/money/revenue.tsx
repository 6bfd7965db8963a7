// Revenue by month and stream.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Usd } from "../../parts/texts.tsx";

const keyOf = (row: Row): string => `${row.period}|${row.stream}|${row.asset}`;

const COLUMNS: readonly Column<Row>[] = [
  { title: "Month", show: (row) => row.period },
  { title: "Stream", show: (row) => row.stream.replaceAll("_", " ") },
  { title: "Amount", show: (row) => row.asset === "USD" ? <><Usd amount={row.amount} /> USD</> : <>{decimal(row.amount)} {row.asset}</>, isNumber: true },
  { title: "Payments", show: (row) => decimal(row.count), isNumber: true },
];

export function Revenue() {
  const table = useFeed("revenue", { by: "month" }, () => new Table(keyOf));
  table.version.value;
  const rows = [...table.byKey.values()].sort((a, b) => keyOf(b).localeCompare(keyOf(a)));
  return (
    <Panel title="Revenue" kind="high">
      <RowsTable label="Revenue by month" rows={rows} keyOf={keyOf} columns={COLUMNS} loaded={table.loaded.value} empty="No revenue yet." />
    </Panel>
  );
}
