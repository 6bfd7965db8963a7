// All constellations by battle rating.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Constellation", show: (row) => <span class="user" title={row.constellation_id}>{row.name}</span> },
  { title: "Rating", show: (row) => decimal(row.rating), isNumber: true },
  { title: "Level", show: (row) => row.level, isNumber: true },
  { title: "Members", show: (row) => <>{decimal(row.members)} <span class="soft">of {decimal(row.members_max)}</span></>, isNumber: true },
  { title: "Won", show: (row) => row.won, isNumber: true },
  { title: "Lost", show: (row) => row.lost, isNumber: true },
  { title: "Shards", show: (row) => decimal(row.contributed), isNumber: true },
];

export function Constellations() {
  const table = useFeed("constellations", {}, () => new Table((row) => row.constellation_id));
  table.version.value;
  const rows = [...table.byKey.values()].sort((a, b) => b.rating - a.rating || a.name.localeCompare(b.name));
  return (
    <Panel title="Constellations" kind="tall">
      <RowsTable label="Constellations" rows={rows} keyOf={(row) => row.constellation_id} columns={COLUMNS} loaded={table.loaded.value} empty="No constellation has been founded yet." />
    </Panel>
  );
}
