// Fees on their way from the ledger over the collector to the beneficiaries. Amounts are decimal text in USD.

import { minus, ofUnits, plus, sum } from "./decimals.ts";
import type { Row } from "./feeds.ts";
import { signOf } from "./format.ts";

const TOKEN_DECIMALS = 6;

/** What has reached a step, what the step before holds back, and who holds it. */
export interface Step { name: string; amount: string; held: string | null; by: string }
/** Fees of one source in the ledger and on the chain. */
export interface Source { source: string; accrued: string; settled: string; held: string }
export interface FeeSteps {
  steps: Step[];
  sources: Source[];
  /** Whether a step, or a source on the chain, has more than the one before. */
  isBroken: boolean;
}

/** Follow fees: `fees` are the ledger's totals by source, `facts` the totals of the fee contracts. */
export function feeSteps(fees: readonly Row[], facts: readonly Row[]): FeeSteps {
  const of = (total: string, name?: string) => sum(facts.filter((row) => row.total === total && (!name || row.name === name)).map((row) => ofUnits(row.accepted, TOKEN_DECIMALS)));
  const accruedOf = (source: string) => sum(fees.filter((row) => row.source === source).map((row) => row.amount as string));
  const names = [...new Set([...fees.map((row) => row.source as string), ...facts.filter((row) => row.total === "settled").map((row) => row.name as string)])].sort();
  const bySource = names.map((source) => ({ source, accrued: accruedOf(source), settled: of("settled", source) }));
  const [accrued, settled, swept, distributed] = [sum(bySource.map((one) => one.accrued)), of("settled"), of("swept"), of("distributed")];
  const inLedger = minus(accrued, settled);
  const inCollector = minus(settled, swept);
  const inSplitter = minus(plus(swept, of("surplus")), distributed); // tokens that came in other ways are swept as surplus
  const sources = bySource.map((one) => ({ ...one, held: minus(one.accrued, one.settled) }));
  return {
    steps: [
      { name: "accrued in the ledger", amount: accrued, held: null, by: "" },
      { name: "settled on the chain", amount: settled, held: inLedger, by: "the ledger" },
      { name: "swept to the splitter", amount: swept, held: inCollector, by: "the collector" },
      { name: "distributed", amount: distributed, held: inSplitter, by: "the splitter" },
    ],
    sources,
    isBroken: [inLedger, inCollector, inSplitter, ...sources.map(({ held }) => held)].some((amount) => signOf(amount) < 0),
  };
}
