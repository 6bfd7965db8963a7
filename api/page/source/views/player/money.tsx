// Practice money, and what trading brought.

import { useFeed } from "../../data/follow.ts";
import { Table } from "../../data/rows.ts";
import { useRules } from "../../data/rules.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Usd } from "../../parts/texts.tsx";

export function Portfolio() {
  const table = useFeed("portfolio", {}, () => new Table(() => "own"));
  table.version.value;
  const begin = useRules()?.practice_balance_usd;
  const row = table.byKey.get("own");
  if (!row && (!table.loaded.value || !begin)) return <Panel title="Portfolio"><Empty loaded={false}>{null}</Empty></Panel>;
  return (
    <Panel title="Portfolio">
      <dl class="figures">
        <Figure name="Practice balance, USD"><Usd amount={row?.practice_balance_usd ?? begin ?? "0"} /></Figure>
        {row && (
          <>
            <Figure name="In open trades, USD"><Usd amount={row.practice_margin_usd} /></Figure>
            <Figure name="Practice profit, USD"><Usd amount={row.practice.realised_pnl_usd} signed /></Figure>
            <Figure name="Live profit, USD"><Usd amount={row.live.realised_pnl_usd} signed /></Figure>
            <Figure name="Live fees, USD"><Usd amount={row.live.fees_usd} /></Figure>
          </>
        )}
      </dl>
      {!row && <p class="empty">This practice money is yours to trade with. Profit and fees appear with your first trade.</p>}
    </Panel>
  );
}
