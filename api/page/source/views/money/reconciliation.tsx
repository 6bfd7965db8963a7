// Fees on their way from the ledger to the beneficiaries: what each step has, and what waits before it.

import { type Source, type Step, feeSteps } from "../../data/fee_steps.ts";
import { useFeed } from "../../data/follow.ts";
import { signOf } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { words } from "../../data/texts.ts";
import { Light } from "../../parts/light.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Usd } from "../../parts/texts.tsx";

const lightOf = (held: string) => (signOf(held) < 0 ? "bad" : "ok");

const COLUMNS: readonly Column<Step>[] = [
  { title: "Fees", show: ({ name }) => name },
  { title: "USD", show: ({ amount }) => <Usd amount={amount} />, isNumber: true },
  { title: "Not yet there, USD", show: ({ held }) => held && <Usd amount={held} />, isNumber: true },
  { title: "Held by", show: ({ held, by }) => held && <Light state={lightOf(held)}>{signOf(held) < 0 ? "nobody" : by}</Light> },
];
const BY_SOURCE: readonly Column<Source>[] = [
  { title: "Source", show: ({ source }) => words(source) },
  { title: "Accrued, USD", show: ({ accrued }) => <Usd amount={accrued} />, isNumber: true },
  { title: "Settled, USD", show: ({ settled }) => <Usd amount={settled} />, isNumber: true },
  { title: "Not yet there, USD", show: ({ held }) => <Light state={lightOf(held)}><Usd amount={held} /></Light>, isNumber: true },
];

export function Reconciliation({ chain }: { chain: Table }) {
  const fees = useFeed("fees", { asset: "USD", day: "all", beneficiary: "total" }, () => new Table((row) => row.source));
  fees.version.value;
  chain.version.value;
  const { steps, sources, isBroken } = feeSteps([...fees.byKey.values()], [...chain.byKey.values()]);
  const isLoaded = chain.loaded.value && fees.loaded.value;
  return (
    <Panel title="From ledger to beneficiaries" kind="high">
      {!isLoaded && <Empty loaded={false}>{null}</Empty>}
      <p role="status">
        {isLoaded && chain.byKey.size === 0 && <><Light state="unknown">No chain is connected</Light>: no fee contract has told anything. All <Usd amount={steps[0]?.amount ?? "0"} /> USD of fees are in the ledger.</>}
        {isLoaded && chain.byKey.size > 0 && (isBroken
          ? <Light state="bad">A step has more than the one before: run <code>astratrade audit chain</code></Light>
          : <Light state="ok">No step has more than the one before</Light>)}
      </p>
      {isLoaded && chain.byKey.size > 0 && (
        <>
          <RowsTable label="Fees from the ledger to the beneficiaries" rows={steps} keyOf={({ name }) => name} columns={COLUMNS} loaded empty="" />
          <h3>By source</h3>
          <RowsTable label="Fees by source, in the ledger and on the chain" rows={sources} keyOf={({ source }) => source} columns={BY_SOURCE} loaded empty="" />
          <p class="soft">To the unit, <code>astratrade audit chain</code> compares ledger, batches and contracts.</p>
        </>
      )}
    </Panel>
  );
}
