// A player's balances, and the entries of the ledger that changed them.

import type { Row } from "../../data/feeds.ts";
import { plus } from "../../data/decimals.ts";
import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { Table, Tape } from "../../data/rows.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time } from "../../parts/texts.tsx";

const ENTRIES = 200;

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
  const tape = useFeed("money", { last: ENTRIES }, () => new Tape(ENTRIES));
  tape.version.value;
  const entries = tape.events.map(({ row }) => row).filter((row) => row.type === "LedgerPosted");
  const known = [...balances.byKey].sort(([a], [b]) => a.localeCompare(b));
  return (
    <Panel title="Ledger" kind="tall">
      {known.length === 0 && <Empty loaded={balances.loaded.value}>You have no balance yet. Deposits, achievements and claimed rewards bring one.</Empty>}
      <dl class="figures">{known.map(([key, row]) => <Figure key={key} name={key}>{decimal(row.amount)}</Figure>)}</dl>
      <RowsTable label="Your ledger entries" rows={entries} keyOf={(row) => row.event_id} columns={columnsOf(user)} loaded={tape.loaded.value} empty="No entry yet." />
    </Panel>
  );
}
