// Tokens for sale.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time, User } from "../../parts/texts.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Token", show: (row) => <>{row.type.replaceAll("_", " ")} <span class="soft">#{row.token_id}</span></> },
  { title: "Rarity", show: (row) => row.rarity },
  { title: "Owner", show: (row) => <User id={row.owner} /> },
  { title: "Price", show: (row) => <>{decimal(row.listing.price)} {row.listing.asset}</>, isNumber: true },
  { title: "Until", show: (row) => <Time at={row.listing.ends_at} /> },
];

export function Market() {
  const table = useFeed("nft-tokens", {}, () => new Table((row) => row.token_id));
  table.version.value;
  const rows = [...table.byKey.values()].filter((row) => row.listing);
  return (
    <Panel title="Market place">
      <RowsTable label="Tokens for sale" rows={rows} keyOf={(row) => row.token_id} columns={COLUMNS} loaded={table.loaded.value} empty="No token is for sale." />
    </Panel>
  );
}
