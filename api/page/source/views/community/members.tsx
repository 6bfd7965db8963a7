// The members of a constellation. Private ones have no name.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { isLeader } from "../../data/membership.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time, User } from "../../parts/texts.tsx";
import { Manage } from "./manage.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Member", show: (row) => <User id={row.user_id} /> },
  { title: "Role", show: (row) => row.role },
  { title: "Joined", show: (row) => <span class="soft"><Time at={row.joined_at} /></span> },
  { title: "Shards given", show: (row) => decimal(row.contributed), isNumber: true },
];

/** `membership` is the reader's: leaders of this constellation can change the others. */
export function Members({ id, membership }: { id: string; membership: Row | null }) {
  const table = useFeed("members", { constellation: id }, () => new Table((row) => row.constellation_id));
  table.version.value;
  const rows: Row[] = (table.byKey.get(id)?.members ?? []).map((row: Row, place: number) => ({ ...row, place }));
  const leads = membership?.constellation_id === id && isLeader(membership);
  const manage: Column<Row> = { title: "Manage", show: (row) => <Manage member={row} isOwner={membership?.role === "owner"} /> };
  return (
    <Panel title="Members">
      <RowsTable label="Members" rows={rows} keyOf={(row) => String(row.place)} columns={leads ? [...COLUMNS, manage] : COLUMNS} loaded={table.loaded.value} empty="It has no members." />
    </Panel>
  );
}
