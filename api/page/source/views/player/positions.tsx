// Open practice trades, which can be closed, and net positions of a player.

import { request } from "../../data/api.ts";
import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time, Usd } from "../../parts/texts.tsx";

export function OpenTrades() {
  const table = useFeed("open-trades", {}, () => new Table((row) => row.trade_id));
  table.version.value;
  const trades = [...table.byKey.values()].filter((trade) => trade.status === "open");
  const close = (id: string) => async () => {
    await request("POST", `/v1/trades/${encodeURIComponent(id)}/close`, undefined, await token(), { "Idempotency-Key": `close-${id}` });
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

export function Positions() {
  const table = useFeed("positions", {}, () => new Table((row) => `${row.market}|${row.mode}`));
  table.version.value;
  const rows = [...table.byKey.values()].sort((a, b) => a.market.localeCompare(b.market));
  return (
    <Panel title="Positions">
      {rows.length === 0 && <Empty loaded={table.loaded.value}>You have no position.</Empty>}
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Your positions">
          <table>
            <thead>
              <tr>
                <th scope="col">Market</th>
                <th scope="col" class="number">Quantity</th>
                <th scope="col" class="number">Open, USD</th>
                <th scope="col" class="number">Realised, USD</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.market}|${row.mode}`}>
                  <td>{row.market} <span class="soft">{row.mode}</span></td>
                  <td class="number">{decimal(row.quantity)}</td>
                  <td class="number"><Usd amount={row.unrealised_pnl_usd} signed /></td>
                  <td class="number"><Usd amount={row.realised_pnl_usd} signed /></td>
                  <td class="soft"><Time at={row.updated_at} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
