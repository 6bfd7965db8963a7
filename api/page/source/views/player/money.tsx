// Practice money, and what trading brought.

import { useFeed } from "../../data/follow.ts";
import { Table } from "../../data/rows.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Usd } from "../../parts/texts.tsx";

export function Money() {
  const table = useFeed("portfolio", {}, () => new Table(() => "own"));
  table.version.value;
  const row = table.byKey.get("own");
  return (
    <Panel title="Portfolio">
      {!row && <Empty loaded={table.loaded.value}>It begins with your first trade.</Empty>}
      {row && (
        <dl class="figures">
          <Figure name="Practice balance, USD"><Usd amount={row.practice_balance_usd} /></Figure>
          <Figure name="In open trades, USD"><Usd amount={row.practice_margin_usd} /></Figure>
          <Figure name="Practice profit, USD"><Usd amount={row.practice.realised_pnl_usd} signed /></Figure>
          <Figure name="Live profit, USD"><Usd amount={row.live.realised_pnl_usd} signed /></Figure>
        </dl>
      )}
    </Panel>
  );
}
