// Open practice trades, which can be closed, and net positions, both with their profit at the mark prices of now.

import type { Row } from "../../data/feeds.ts";
import { openProfit, tradeProfit } from "../../data/equity.ts";
import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import type { Prices } from "../../data/prices.ts";
import { Table } from "../../data/rows.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Size, Time, Usd } from "../../parts/texts.tsx";
import { type Travel, Travelled } from "./travel.tsx";

export function OpenTrades({ travel, prices: { byMarket } }: { travel: Travel; prices: Prices }) {
  const table = useFeed("open-trades", {}, () => new Table((row) => row.trade_id));
  table.version.value;
  const trades = [...table.byKey.values()].filter((trade) => trade.status === "open");
  const close = (id: string) => async (_: object, key: string) => {
    const sent = travel.begin("close");
    await command("POST", pathOf`/v1/trades/${id}/close`, undefined, key);
    sent.accepted(id);
  };
  return (
    <Panel title="Open practice trades">
      {trades.length === 0 && <Empty loaded={table.loaded.value}>None. Place a practice trade.</Empty>}
      <ul class="lines">
        {trades.map((trade) => (
          <li key={trade.trade_id}>
            <span>{trade.side} {trade.market} × {trade.leverage}<br /><span class="soft">{decimal(trade.notional_usd, 2)} USD at {decimal(trade.entry_price)}</span></span>
            <Profit amount={byMarket.has(trade.market) ? tradeProfit(trade, byMarket.get(trade.market)!.price) : null} />
            <Form send={close(trade.trade_id)} button="Close" label={`Close the trade of ${trade.market} for ${decimal(trade.notional_usd, 2)} USD`} />
          </li>
        ))}
      </ul>
      <Travelled kind="close" travel={travel} />
    </Panel>
  );
}

const Profit = ({ amount }: { amount: string | null }) => (amount === null ? <span class="soft">–</span> : <span><Usd amount={amount} signed /> USD</span>);

const keyOf = (row: Row): string => `${row.market}|${row.mode}`;
const isOpen = (row: Row): boolean => row.average_entry !== null;

/** A position is worth what its market's mark price says, or the price of its last fill where there is no mark. */
const columnsAt = ({ byMarket }: Prices): readonly Column<Row>[] => {
  const priceOf = (row: Row): string => byMarket.get(row.market)?.price ?? row.last_price;
  return [
    { title: "Market", show: (row) => <>{row.market} <span class="soft">{row.mode}</span></> },
    { title: "Open profit, USD", show: (row) => <Usd amount={openProfit(row, priceOf(row))} signed />, isNumber: true },
    { title: "Quantity", show: (row) => <Size value={row.quantity} />, isNumber: true },
    { title: "Entry", show: (row) => <span title={row.average_entry}>{decimal(row.average_entry, 4)}</span>, isNumber: true },
    { title: "Price", show: (row) => decimal(priceOf(row)), isNumber: true },
    { title: "Realised, USD", show: (row) => <Usd amount={row.realised_pnl_usd} signed />, isNumber: true },
    { title: "Changed", show: (row) => <span class="soft"><Time at={row.updated_at} /></span> },
  ];
};

export function Positions({ prices }: { prices: Prices }) {
  const table = useFeed("positions", {}, () => new Table(keyOf));
  table.version.value;
  const rows = [...table.byKey.values()].filter(isOpen).sort((a, b) => a.market.localeCompare(b.market));
  return (
    <Panel title="Open positions" kind="wide">
      <RowsTable
        label="Your positions" rows={rows} keyOf={keyOf} columns={columnsAt(prices)} loaded={table.loaded.value} empty="You have no open position. A trade opens one."
      />
    </Panel>
  );
}
