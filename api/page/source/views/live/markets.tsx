// The markets of the newest day: price, change, volume and trades. The chart shows the one that is chosen.

import type { Row } from "../../data/feeds.ts";
import { decimal, signOf, usd, utcDay } from "../../data/format.ts";
import { changeOf } from "../../data/markets.ts";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { choose } from "../../shell/router.ts";
import { chosenMode, NoTrades } from "./candles.tsx";

const COLUMNS: readonly Column<Row>[] = [
  { title: "Market", show: (row) => <button type="button" class="link" onClick={() => choose({ chart: row.market })}>{row.market}<span class="hidden">: show its candles</span></button> },
  { title: "Price", show: (row) => decimal(row.close), isNumber: true },
  { title: "Day", show: (row) => <Change by={changeOf(row)} />, isNumber: true },
  { title: "USD", show: (row) => <span title={`${row.notional_usd} USD`}>{decimal(row.notional_usd, 0)}</span>, isNumber: true },
  { title: "Trades", show: (row) => decimal(row.trades), isNumber: true },
];

function Change({ by }: { by: string }) {
  const [colour, sign] = [["down", ""], ["", ""], ["up", "+"]][signOf(by) + 1]!;
  return <span class={colour!}>{sign}{usd(by)} %</span>;
}

export function Markets({ rows, loaded }: { rows: readonly Row[]; loaded: boolean }) {
  return (
    <Panel title="Markets" kind="high">
      {rows[0] && <p class="soft">All {chosenMode()} trades of {utcDay(rows[0].begin)}, in UTC</p>}
      {loaded && rows.length === 0
        ? <Empty loaded><NoTrades /></Empty>
        : <RowsTable label="Markets of the day, in UTC" rows={rows} keyOf={(row) => row.market} columns={COLUMNS} loaded={loaded} empty="" />}
    </Panel>
  );
}
