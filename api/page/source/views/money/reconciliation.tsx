// Fees on their way from the ledger over the collector to the beneficiaries: what each step has, and what waits before the next.

import { parts, sum, textOfParts } from "../../data/amounts.ts";
import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { Table } from "../../data/rows.ts";
import { Light } from "../../parts/light.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Usd } from "../../parts/texts.tsx";

const USD_DECIMALS = 8;
const TOKEN_DECIMALS = 6;

interface Step { name: string; amount: bigint; held: bigint | null; by: string }

const COLUMNS: readonly Column<Step>[] = [
  { title: "Fees", show: ({ name }) => name },
  { title: "USD", show: ({ amount }) => <Usd amount={textOfParts(amount, USD_DECIMALS)} />, isNumber: true },
  { title: "Not yet there, USD", show: ({ held }) => (held === null ? "" : <Usd amount={textOfParts(held, USD_DECIMALS)} />), isNumber: true },
  { title: "Held by", show: ({ held, by }) => (held === null ? "" : <Light state={held < 0n ? "bad" : "ok"}>{held < 0n ? "nobody: more arrived than left" : by}</Light>) },
];

export function Reconciliation({ chain }: { chain: Table }) {
  const fees = useFeed("fees", { asset: "USD", day: "all", beneficiary: "total" }, () => new Table((row) => row.source));
  fees.version.value;
  chain.version.value;
  const accrued = sum([...fees.byKey.values()].map((row) => parts(row.amount, USD_DECIMALS)));
  const facts = [...chain.byKey.values()];
  const steps = stepsOf(accrued, facts);
  return (
    <Panel title="From ledger to beneficiaries">
      {!chain.loaded.value || !fees.loaded.value ? <Empty loaded={false}>{null}</Empty> : facts.length === 0
        ? <p role="status"><Light state="unknown">No chain is connected</Light>: no fee contract has told anything. The ledger holds all <Usd amount={textOfParts(accrued, USD_DECIMALS)} /> USD of fees.</p>
        : (
          <>
            <p role="status">
              {steps.some(({ held }) => held !== null && held < 0n)
                ? <Light state="bad">A step has more than the one before: run <code>astratrade audit chain</code></Light>
                : <Light state="ok">Every amount came from the step before</Light>}
            </p>
            <RowsTable label="Fees from the ledger to the beneficiaries" rows={steps} keyOf={({ name }) => name} columns={COLUMNS} loaded empty="" />
            <p class="soft">To the unit, <code>astratrade audit chain</code> compares ledger, batches and contracts.</p>
          </>
        )}
    </Panel>
  );
}

/** Return the steps. Tokens that reach the splitter in other ways are swept as surplus. */
function stepsOf(accrued: bigint, facts: readonly Row[]): Step[] {
  const of = (total: string) => sum(facts.filter((row) => row.total === total).map((row) => BigInt(row.accepted))) * 10n ** BigInt(USD_DECIMALS - TOKEN_DECIMALS);
  const [settled, swept, surplus, distributed] = [of("settled"), of("swept"), of("surplus"), of("distributed")];
  return [
    { name: "accrued in the ledger", amount: accrued, held: null, by: "" },
    { name: "settled on the chain", amount: settled, held: accrued - settled, by: "the ledger" },
    { name: "swept to the splitter", amount: swept, held: settled - swept, by: "the collector" },
    { name: "distributed", amount: distributed, held: swept + surplus - distributed, by: "the splitter" },
  ];
}
