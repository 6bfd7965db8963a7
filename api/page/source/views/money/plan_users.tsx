// How many users have each paid plan.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { words } from "../../data/texts.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const keyOf = (row: Row): string => row.plan;

const COLUMNS: readonly Column<Row>[] = [
  { title: "Plan", show: (row) => words(row.plan) },
  { title: "Users", show: (row) => decimal(row.users), isNumber: true },
];

export function PlanUsers() {
  const table = useFeed("plan-users", {}, () => new Table(keyOf));
  table.version.value;
  const rows = [...table.byKey.values()].filter(({ users }) => users > 0).sort((a, b) => b.users - a.users);
  return (
    <Panel title="Users by plan">
      <RowsTable label="Users by plan" rows={rows} keyOf={keyOf} columns={COLUMNS} loaded={table.loaded.value} empty="No user pays for a plan." />
    </Panel>
  );
}
