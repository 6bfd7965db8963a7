// The tokens of a user.

import { useQuery } from "../../data/query.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { pathOf } from "../../data/paths.ts";
import { words } from "../../data/texts.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Token", show: (row) => <>{words(row.type)} <span class="soft">#{row.token_id}</span></> },
  { title: "Rarity", show: (row) => row.rarity },
  { title: "For sale", show: (row) => (row.listing ? `${decimal(row.listing.price)} ${row.listing.asset}` : "no") },
];

export function TokensOf({ id }: { id: string }) {
  const { data, error } = useQuery<{ tokens: Row[] }>(pathOf`/v1/users/${id}/nfts`, {}, true);
  return (
    <Panel title="Tokens">
      <RowsTable label="Tokens" rows={data?.tokens ?? []} keyOf={(row) => row.token_id} columns={COLUMNS} loaded={data !== null || error !== null} empty="None." />
    </Panel>
  );
}
