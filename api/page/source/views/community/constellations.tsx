// All constellations by battle rating, and for a user without one a form that founds another.

import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { useMembership, waitText } from "../../data/membership.ts";
import { command } from "../../data/own.ts";
import type { Table } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Name } from "./name.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Rating", show: (row) => decimal(row.rating), isNumber: true },
  { title: "Level", show: (row) => row.level, isNumber: true },
  { title: "Members", show: (row) => <>{decimal(row.members)} <span class="soft">of {decimal(row.members_max)}</span></>, isNumber: true },
  { title: "Won", show: (row) => row.won, isNumber: true },
  { title: "Lost", show: (row) => row.lost, isNumber: true },
  { title: "Shards", show: (row) => decimal(row.contributed), isNumber: true },
];

export function Constellations({ all }: { all: Table }) {
  all.version.value;
  const rows = [...all.byKey.values()].sort((a, b) => b.rating - a.rating || a.name.localeCompare(b.name));
  const columns = [{ title: "Constellation", show: (row: Row) => <Name id={row.constellation_id} all={all} /> }, ...COLUMNS];
  return (
    <Panel title="Constellations" kind="tall">
      <RowsTable label="Constellations" rows={rows} keyOf={(row) => row.constellation_id} columns={columns} loaded={all.loaded.value} empty="No constellation has been founded yet." />
      {user.value && <Own key={user.value} all={all} />}
    </Panel>
  );
}

function Own({ all }: { all: Table }) {
  const membership = useMembership();
  const found = async ({ name = "" }: Record<string, string>, key: string) => {
    await command("POST", "/v1/constellations", { name }, key);
    return `Asked to found ${name}.`;
  };
  return (
    <>
      <p role="status">
        {membership?.state === "member" && <>You belong to <Name id={membership.constellation_id} all={all} />, as {membership.role}.</>}
        {waitText(membership)}
      </p>
      {!membership && (
        <Form send={found} button="Found a constellation">
          <label>Name<input name="name" required minLength={3} maxLength={40} /></label>
        </Form>
      )}
    </>
  );
}
