// What became of a player's orders and fills, the newest first.

import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { usePages } from "../../data/pages.ts";
import { pathOf } from "../../data/paths.ts";
import { PagedTable } from "../../parts/paged_table.tsx";
import { Panel } from "../../parts/panel.tsx";
import type { Column } from "../../parts/rows_table.tsx";
import { Time, Usd } from "../../parts/texts.tsx";

const ROWS = 50;
const WORDS: Record<string, string> = {
  TradeExecuted: "executed", TradeClosed: "closed", TradeLiquidated: "liquidated", TradeRejected: "rejected", FillRejected: "refused", RiskAlert: "risk alert",
};

const COLUMNS: readonly Column<Row>[] = [
  { title: "Time", show: (row) => <span class="soft"><Time at={row.time} /></span> },
  { title: "What", show: (row) => <>{WORDS[row.type] ?? row.type}{row.reason && <span class="soft">: {row.reason.replaceAll("_", " ")}</span>}</> },
  { title: "Market", show: (row) => <>{row.side} {row.market} <span class="soft">{row.mode}</span></> },
  { title: "Price", show: (row) => (row.price ?? row.exit_price ? decimal(row.price ?? row.exit_price) : "–"), isNumber: true },
  { title: "Amount, USD", show: (row) => (row.notional_usd ? <Usd amount={row.notional_usd} /> : "–"), isNumber: true },
  { title: "Profit, USD", show: (row) => (row.closed_pnl_usd ?? row.pnl_usd ? <Usd amount={row.closed_pnl_usd ?? row.pnl_usd} signed /> : "–"), isNumber: true },
];

export function Trades({ user }: { user: string }) {
  const pages = usePages<Row>(pathOf`/v1/users/${user}/trades`, "trades", ROWS);
  return (
    <Panel title="Trades" kind="tall">
      <PagedTable label="Your trades" pages={pages} keyOf={(row) => row.event_id} columns={COLUMNS} empty="No trade yet. Place a practice trade." />
    </Panel>
  );
}
