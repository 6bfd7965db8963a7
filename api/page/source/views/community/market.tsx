// Tokens for sale, and what a user may mint, offer and buy.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { Table } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { words } from "../../data/texts.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Rejections } from "../../parts/rejections.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time, User } from "../../parts/texts.tsx";
import { OwnTokens } from "./own_tokens.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Token", show: (row) => <>{words(row.type)} <span class="soft">#{row.token_id}</span></> },
  { title: "Rarity", show: (row) => row.rarity },
  { title: "Owner", show: (row) => <User id={row.owner} /> },
  { title: "Price", show: (row) => <>{decimal(row.listing.price)} {row.listing.asset}</>, isNumber: true },
  { title: "Until", show: (row) => <Time at={row.listing.ends_at} /> },
  { title: "Buy", show: (row) => (user.value && row.owner !== user.value ? <Form send={buy(row)} button="Buy" label={`Buy ${words(row.type)} #${row.token_id}`} kind="quiet" /> : null) },
];

/** Buy at the price that the user saw: the token is not sold at another one. */
function buy({ token_id, listing }: Row) {
  return async (_: object, key: string) => {
    const path = pathOf`/v1/nft/tokens/${token_id}/listings/${listing.listing_id}/purchases`;
    await command("POST", path, { asset: listing.asset, price: listing.price }, key);
    return "Asked to buy.";
  };
}

export function Market() {
  const table = useFeed("nft-tokens", {}, () => new Table((row) => row.token_id));
  table.version.value;
  const rows = [...table.byKey.values()].filter((row) => row.listing);
  return (
    <Panel title="Market place">
      {user.value && <Rejections key={user.value} feed="my-nfts" />}
      <RowsTable label="Tokens for sale" rows={rows} keyOf={(row) => row.token_id} columns={COLUMNS} loaded={table.loaded.value} empty="No token is for sale." />
      {user.value && <OwnTokens key={user.value} tokens={[...table.byKey.values()].filter((row) => row.owner === user.value)} />}
    </Panel>
  );
}
