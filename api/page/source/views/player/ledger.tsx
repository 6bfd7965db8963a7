// A player's balances, and the entries of the ledger that changed them.

import type { Row } from "../../data/feeds.ts";
import { plus } from "../../data/decimals.ts";
import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { usePages } from "../../data/pages.ts";
import { pathOf } from "../../data/paths.ts";
import { Table } from "../../data/rows.ts";
import { Figure } from "../../parts/figure.tsx";
import { PagedTable } from "../../parts/paged_table.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import type { Column } from "../../parts/rows_table.tsx";
import { Time } from "../../parts/texts.tsx";

const ENTRIES = 50;

/** Return what an entry changed of a user's account, such as `available`. */
const changed = (row: Row, user: string, account: string): string => row.changes[`user:${user}:${account}`] ?? "0";
const shown = (amount: string) => (amount === "0" ? "–" : <span class={amount.startsWith("-") ? "down" : "up"}>{decimal(amount)}</span>);

const columnsOf = (user: string): readonly Column<Row>[] => [
  { title: "Time", show: (row) => <span class="soft"><Time at={row.time} /></span> },
  { title: "For", show: (row) => row.reason.replaceAll("_", " ") },
  { title: "Asset", show: (row) => row.asset },
  { title: "Available", show: (row) => shown(plus(changed(row, user, "available"), "0")), isNumber: true },
  { title: "Reserved", show: (row) => shown(plus(changed(row, user, "reserved"), "0")), isNumber: true },
];

export function Ledger({ user }: { user: string }) {
  const balances = useFeed("balances", {}, () => new Table((row) => `${row.asset} ${row.account}`));
  balances.version.value;
  const pages = usePages<Row>(pathOf`/v1/users/${user}/ledger-entries`, "entries", ENTRIES);
  const known = [...balances.byKey].sort(([a], [b]) => a.localeCompare(b));
  return (
    <Panel title="Ledger" kind="tall">
      {known.length === 0 && <Empty loaded={balances.loaded.value}>You have no balance yet. Deposits, achievements and claimed rewards bring one.</Empty>}
      <dl class="figures">{known.map(([key, row]) => <Figure key={key} name={key}>{decimal(row.amount)}</Figure>)}</dl>
      <PagedTable label="Your ledger entries" pages={pages} keyOf={(row) => row.event_id} columns={columnsOf(user)} empty="No entry yet." />
    </Panel>
  );
}
