// Open practice trades, which can be closed, and net positions of a player.

import { request } from "../../data/api.ts";
import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time, Usd } from "../../parts/texts.tsx";

export function OpenTrades() {
  const table = useFeed("open-trades", {}, () => new Table((row) => row.trade_id));
  table.version.value;
  const trades = [...table.byKey.values()].filter((trade) => trade.status === "open");
  const close = (id: string) => async (_: object, key: string) => {
    await request("POST", `/v1/trades/${encodeURIComponent(id)}/close`, undefined, await token(), { "Idempotency-Key": key });
  };
  return (
    <Panel title="Open practice trades">
      {trades.length === 0 && <Empty loaded={table.loaded.value}>None. Place one above.</Empty>}
      <ul class="lines">
        {trades.map((trade) => (
          <li key={trade.trade_id}>
            <span>{trade.side} {trade.market} × {trade.leverage}</span>
            <span>{decimal(trade.notional_usd, 2)} USD at {decimal(trade.entry_price)}</span>
            <Form send={close(trade.trade_id)} button="Close">{null}</Form>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const keyOf = (row: Row): string => `${row.market}|${row.mode}`;

const COLUMNS: readonly Column<Row>[] = [
  { title: "Market", show: (row) => <>{row.market} <span class="soft">{row.mode}</span></> },
  { title: "Quantity", show: (row) => decimal(row.quantity), isNumber: true },
  { title: "Open, USD", show: (row) => <Usd amount={row.unrealised_pnl_usd} signed />, isNumber: true },
  { title: "Realised, USD", show: (row) => <Usd amount={row.realised_pnl_usd} signed />, isNumber: true },
  { title: "Changed", show: (row) => <span class="soft"><Time at={row.updated_at} /></span> },
];

export function Positions() {
  const table = useFeed("positions", {}, () => new Table(keyOf));
  table.version.value;
  const rows = [...table.byKey.values()].sort((a, b) => a.market.localeCompare(b.market));
  return (
    <Panel title="Positions">
      <RowsTable
        label="Your positions" rows={rows} keyOf={keyOf} columns={COLUMNS} loaded={table.loaded.value} empty="You have no position."
      />
    </Panel>
  );
}
