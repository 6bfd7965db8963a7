// The fees of all days, and the parts of their beneficiaries.

import { useFeed } from "../../data/follow.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { Usd } from "../../parts/texts.tsx";

const TOTAL = "total";

export function Fees() {
  const table = useFeed("fees", { source: "trading", asset: "USD" }, () => new Table((row) => row.beneficiary));
  table.version.value;
  const shares = [...table.byKey.values()].filter((fee) => fee.beneficiary !== TOTAL);
  return (
    <Panel title="Fees" kind="high">
      <p class="total"><Usd amount={table.byKey.get(TOTAL)?.amount ?? "0"} /> USD</p>
      <ul class="lines">
        {shares.map((fee) => (
          <li key={fee.beneficiary}>
            <span>{fee.beneficiary.replaceAll("_", " ")}</span>
            <Usd amount={fee.amount} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
