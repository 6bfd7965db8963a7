// The fees of all days, and the parts of their beneficiaries.

import { roundedParts } from "../../data/decimals.ts";
import { useFeed } from "../../data/follow.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { Usd } from "../../parts/texts.tsx";

const TOTAL = "total";
const USD_DECIMALS = 2;

export function Fees() {
  const table = useFeed("fees", { source: "trading", asset: "USD" }, () => new Table((row) => row.beneficiary));
  table.version.value;
  const shares = [...table.byKey.values()].filter((fee) => fee.beneficiary !== TOTAL);
  const shown = roundedParts(shares.map((fee) => fee.amount as string), USD_DECIMALS);
  return (
    <Panel title="Fees" kind="high">
      <p class="total"><Usd amount={table.byKey.get(TOTAL)?.amount ?? "0"} /> USD</p>
      <ul class="lines">
        {shares.map((fee, at) => (
          <li key={fee.beneficiary}>
            <span>{fee.beneficiary.replaceAll("_", " ")}</span>
            <Usd amount={fee.amount} shown={shown[at]!} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
